// Every request of the captured hash configurations goes to the endpoint that Envoy picked.
import { describe, expect, test } from "vitest";
import { sessionFields } from "../../src/affinity/decide.ts";
import { planRule, weightedIndex } from "../../src/affinity/plan.ts";
import {
  addressOf,
  CLIENT,
  decideNow,
  type HeaderLines,
  NOW_SEC,
  planOf,
  requestOf,
  ruleOf,
  statesOf,
} from "../support/affinity.ts";
import {
  backendFrom,
  type EnvoyCluster,
  type EnvoyHashPolicy,
  type EnvoyHost,
  policyFrom,
  readVectors,
} from "../support/vectors.ts";

interface Row {
  readonly request: {
    readonly headers?: HeaderLines;
    readonly path?: string;
    readonly localAddress?: string;
    readonly in_flight_before?: number;
  };
  readonly picked: string;
  readonly random?: boolean;
}

interface HashVectors {
  readonly config: {
    readonly hosts: EnvoyHost[];
    readonly cluster: EnvoyCluster;
    readonly policy: EnvoyHashPolicy[];
  };
  readonly cases: readonly Row[];
}

function planFor({ config }: HashVectors) {
  const rule = ruleOf(["backend"], { hashPolicies: config.policy.map(policyFrom) });
  return planOf(rule, backendFrom("backend", config.hosts, config.cluster));
}

function ask(plan: ReturnType<typeof planFor>, { request }: Row) {
  const client = { ...CLIENT, ip: request.localAddress ?? CLIENT.ip };
  return decideNow(plan, requestOf(request.path ?? "/", request.headers ?? []), { client });
}

describe.each([
  "ring_hash_default_5",
  "ring_hash_64_64_3",
  "ring_hash_weighted_1_2_3",
  "ring_hash_removed_one",
  "ring_hash_hostname_5",
  "ring_hash_ipv6_3",
  "ring_hash_health",
  "maglev_default_5",
  "maglev_1021_5",
  "maglev_weighted_1_2_3",
  "maglev_removed_one",
  "maglev_health",
  "policy_cookie",
  "policy_header_multi_value",
  "policy_header_plus_cookie",
  "policy_header_terminal_cookie",
  "policy_query_parameter",
  "policy_source_ip",
])("%s", (name) => {
  const vectors = readVectors<HashVectors>(name);

  test(`${vectors.cases.length} requests reach Envoy's host, or have no hash where Envoy had none`, () => {
    const plan = planFor(vectors);
    const wrong = vectors.cases.filter((row) => {
      const decision = ask(plan, row);
      return row.random ? !decision.hashKeyMissing : addressOf(decision) !== row.picked;
    });
    expect(wrong).toEqual([]);
    expect(vectors.cases.length).toBeGreaterThan(500);
  });
});

test("bounded load passes on from busy endpoints exactly as Envoy does", () => {
  const vectors = readVectors<HashVectors>("bounded_maglev_120");
  const plan = planFor(vectors);
  for (const [index, row] of vectors.cases.entries()) {
    expect(row.request.in_flight_before).toBe(index);
    const { endpoint } = ask(plan, row);
    expect(endpoint?.endpoint.address).toBe(row.picked);
    if (endpoint) endpoint.active++;
  }
});

describe("weighted_clusters_hash", () => {
  interface WeightedVectors {
    readonly config: { readonly clusters: Record<string, string[]> };
    readonly cases: readonly { request: { domain: string; headers: HeaderLines }; picked: string }[];
  }
  const { config, cases } = readVectors<WeightedVectors>("weighted_clusters_hash");
  const names = ["wc_a", "wc_b"] as const;
  const weights = [30, 70];
  const states = statesOf(
    ...names.map((name) =>
      backendFrom(name, config.clusters[name]?.map((address) => ({ address })) ?? [], {
        lb_policy: "RING_HASH",
      }),
    ),
  );
  const hashPolicies = [{ kind: "header", name: "x-key", terminal: false }] as const;
  const rows = (domain: string) => cases.filter(({ request }) => request.domain === domain);

  test("the request hash chooses backend and endpoint", () => {
    const references = names.map((backend, index) => ({ backend, weight: weights[index] ?? 0 }));
    const plan = planRule(ruleOf(references, { hashPolicies, splitByHash: true }), states);
    const wrong = rows("h.t").filter(
      ({ request, picked }) => addressOf(decideNow(plan, requestOf("/", request.headers))) !== picked,
    );
    expect(wrong).toEqual([]);
    expect(rows("h.t").length).toBe(1000);
  });

  test("a number in a header walks the weights", () => {
    const plans = names.map((name) => planRule(ruleOf([name], { hashPolicies }), states));
    const wrong = rows("hdr.t").filter(({ request, picked }) => {
      const number = request.headers.find(([name]) => name === "x-rand")?.[1];
      const plan = plans[weightedIndex(weights, Number(BigInt(number ?? 0) % 100n))];
      return plan === undefined || addressOf(decideNow(plan, requestOf("/", request.headers))) !== picked;
    });
    expect(wrong).toEqual([]);
    expect(rows("hdr.t").length).toBe(200);
  });
});

test("cookie_hash_generated: the first request goes where the generated cookie leads, and sets it", () => {
  interface GeneratedRow {
    readonly request: { client_address: string; local_address: string; policy: EnvoyHashPolicy[] };
    readonly picked: string;
    readonly set_cookie: readonly string[];
  }
  const { config, cases } = readVectors<{ config: HashVectors["config"]; cases: GeneratedRow[] }>(
    "cookie_hash_generated",
  );
  const states = statesOf(backendFrom("backend", config.hosts, config.cluster));
  for (const { request, picked, set_cookie } of cases) {
    const plan = planRule(ruleOf(["backend"], { hashPolicies: request.policy.map(policyFrom) }), states);
    const client = { ...CLIENT, peerAddress: request.client_address, localAddress: request.local_address };
    const decision = decideNow(plan, requestOf("/"), { client });
    expect(addressOf(decision)).toBe(picked);
    const fields = sessionFields(decision, false, NOW_SEC);
    expect(fields?.add.map(({ name, value }) => `${name}: ${value}`)).toEqual(set_cookie);
  }
  expect(cases.length).toBe(60);
});
