// Every captured session request: followed or not, status, and the bytes of the token, with Envoy's own options.
import { describe, expect, test } from "vitest";
import { sessionFields } from "../../src/affinity/decide.ts";
import { planRule, type RulePlan } from "../../src/affinity/plan.ts";
import { ENVOY_FOLLOW, type FollowRules, LIMPET_FOLLOW } from "../../src/affinity/serving.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/affinity/token/envelope.ts";
import type { CookieAttribute, SessionPersistence } from "../../src/model/index.ts";
import {
  addressOf,
  cookieSession,
  decideNow,
  type HeaderLines,
  headerSession,
  requestOf,
  ruleOf,
  seededRandom,
  statesOf,
} from "../support/affinity.ts";
import {
  backendFrom,
  type EnvoyCluster,
  type EnvoyHost,
  readVectors,
  secondsOf,
} from "../support/vectors.ts";

interface EnvoySession {
  readonly disabled?: boolean;
  readonly strict?: boolean;
  readonly status_on_strict_destination_not_found?: number;
  readonly stateful_session?: {
    readonly strict?: boolean;
    readonly status_on_strict_destination_not_found?: number;
    readonly session_state: {
      readonly typed_config: {
        readonly cookie?: { name: string; ttl?: string; path?: string; attributes?: CookieAttribute[] };
        readonly name?: string;
      };
    };
  };
}

interface Domain {
  readonly typed_per_filter_config: { readonly "envoy.filters.http.stateful_session": EnvoySession };
  readonly hosts: EnvoyHost[];
  readonly cluster: EnvoyCluster;
}

interface Row {
  readonly request: { readonly domain: string; readonly path: string; readonly headers?: HeaderLines };
  readonly note: string;
  readonly picked: string | null;
  readonly status: number;
  readonly unix_time: number;
  readonly sticky?: boolean;
  readonly set_cookie?: readonly string[];
  readonly response_headers?: Readonly<Record<string, readonly string[]>>;
  readonly upstream_saw?: Readonly<Record<string, readonly string[]>>;
}

interface SessionVectors {
  readonly config: Readonly<Record<string, Domain>>;
  readonly cases: readonly Row[];
}

const FILES = [
  "stateful_session_cookie",
  "stateful_session_cookie_path",
  "stateful_session_expiry_boundary",
  "stateful_session_header",
  "stateful_session_strict",
] as const;

/** What the captured upstream sends by itself when it is asked with `x-up`. */
const UPSTREAM_COOKIES = ["set-cookie: ss=fromupstream; Path=/", "set-cookie: other=1"];
const UPSTREAM_HEADER = "fromupstream";

/** Rows that no decision is made for, and who answers them. */
const NOT_DECIDED: Readonly<Record<string, string>> = {
  "/foo#frag": "a fragment in the target is refused by the HTTP codec",
};

/** Rows where Limpet's rules answer otherwise than Envoy, and why. All other rows must come out the same. */
const CHANGED_BY_LIMPET: Readonly<Record<string, string>> = {
  "ss_strict.t: strict, host 4": "a draining endpoint keeps its sessions",
  "ss_strict404.t: strict, host 4": "a draining endpoint keeps its sessions",
  "ssh_strict.t: strict, host 4": "a draining endpoint keeps its sessions",
  "ss_strict404.t: strict, host 2": "onLost.status answers for unhealthy endpoints too",
  "ss_strict404.t: strict, host 6": "onLost.status answers for unhealthy endpoints too",
};

/** A cookie for an endpoint that refused the connection: Envoy sends it, Limpet asks for no fields then. */
const REFUSED = "ss_dead.t: connect refused: local 503; is Set-Cookie emitted?";

function sessionFrom(envoy: EnvoySession): SessionPersistence | undefined {
  const state = envoy.stateful_session?.session_state.typed_config;
  if (envoy.disabled || state === undefined) return undefined;
  const strict = envoy.strict ?? envoy.stateful_session?.strict ?? false;
  const status =
    envoy.status_on_strict_destination_not_found ??
    envoy.stateful_session?.status_on_strict_destination_not_found ??
    503;
  const onLost = strict ? ({ action: "reject", status } as const) : ({ action: "reassign" } as const);
  if (state.cookie === undefined) {
    return { ...headerSession({ onLost }), carrier: { kind: "header", name: state.name ?? "" } };
  }
  const { name, ttl = "0s", path, attributes = [] } = state.cookie;
  const ttlSec = secondsOf(ttl);
  return cookieSession(
    { onLost, ...(ttlSec > 0 && { absoluteTimeoutSec: ttlSec }) },
    {
      name,
      lifetime: "Permanent",
      attributes,
      ...(path !== undefined && { path, onlyUnderPath: path }),
    },
  );
}

function planFrom(domain: Domain, follow: FollowRules): RulePlan {
  const session = sessionFrom(domain.typed_per_filter_config["envoy.filters.http.stateful_session"]);
  const backend = backendFrom("backend", domain.hosts, domain.cluster);
  return planRule(ruleOf(["backend"], session && { session }), statesOf(backend), follow);
}

/** What a client or an observer can tell of the answer; hosts are named only where a session names them. */
interface Verdict {
  readonly status: number | "answered by an endpoint";
  readonly followed: string | undefined;
  readonly setCookie: readonly string[];
  readonly header: string | undefined;
}

/** The decision for a row. Where balancing chose, the token is written for the host that Envoy's balancing chose. */
function verdictOf(row: Row, plan: RulePlan): Verdict {
  const { path, headers = [] } = row.request;
  const decision = decideNow(plan, requestOf(path, headers), {
    nowSec: row.unix_time,
    random: seededRandom(row.unix_time),
  });
  const picked = plan.references[0]?.backend?.byAddress.get(row.picked ?? addressOf(decision) ?? "");
  const followed = decision.outcome === "kept" ? addressOf(decision) : undefined;
  const answering = { ...decision, endpoint: decision.endpoint && picked };
  const fields = sessionFields(answering, false, row.unix_time);
  const fromUpstream = headers.some(([name]) => name === "x-up");
  const ownHeader = fields?.set.find(({ name }) => name === "x-session")?.value;
  return {
    status: decision.failure?.status ?? "answered by an endpoint",
    followed,
    setCookie: [
      ...(fromUpstream ? UPSTREAM_COOKIES : []),
      ...(fields?.add ?? []).map(({ name, value }) => `${name}: ${value}`),
    ],
    header: ownHeader ?? (fromUpstream ? UPSTREAM_HEADER : undefined),
  };
}

/** `followed` is where the row says that a followed session must lead; whether it is followed shows in the fields. */
function expectedOf(row: Row, { followed }: Verdict): Verdict {
  const isRefused = row.request.domain === "ss_dead.t";
  const picked = isRefused ? "127.0.0.1:20099" : (row.picked ?? undefined);
  return {
    status: picked === undefined ? row.status : "answered by an endpoint",
    followed: followed === undefined ? undefined : picked,
    setCookie: row.set_cookie ?? [],
    header: row.response_headers?.["x-session"]?.[0],
  };
}

function nameOf(row: Row): string {
  return `${row.request.domain}: ${row.note}`;
}

function isCookieDomain(domain: string): boolean {
  return !domain.startsWith("ssh");
}

/** Rows that come out otherwise, with both sides. */
function differences(vectors: SessionVectors, follow: FollowRules) {
  const plans = new Map(
    Object.entries(vectors.config).map(([name, domain]) => [name, planFrom(domain, follow)]),
  );
  return vectors.cases
    .filter(({ request }) => !(request.path in NOT_DECIDED))
    .map((row) => {
      const verdict = verdictOf(row, plans.get(row.request.domain) as RulePlan);
      const expected = expectedOf(row, verdict);
      const header = isCookieDomain(row.request.domain) ? expected.header : verdict.header;
      return { row: nameOf(row), verdict: { ...verdict, header }, expected };
    })
    .filter(({ verdict, expected }) => JSON.stringify(verdict) !== JSON.stringify(expected));
}

describe.each(FILES)("%s", (name) => {
  const vectors = readVectors<SessionVectors>(name);

  test("every row comes out as in Envoy, with Envoy's rules", () => {
    expect(differences(vectors, ENVOY_FOLLOW)).toEqual([]);
  });

  test("Limpet's own rules change the listed rows only", () => {
    const names = new Set(vectors.cases.map(nameOf));
    const listed = Object.keys(CHANGED_BY_LIMPET).filter((row) => names.has(row));
    const changed = differences(vectors, LIMPET_FOLLOW).map(({ row }) => row);
    expect(changed.sort()).toEqual(listed.sort());
  });
});

test("the lists name rows that exist", () => {
  const rows = FILES.flatMap((file) => readVectors<SessionVectors>(file).cases);
  const names = new Set(rows.map(nameOf));
  const paths = new Set(rows.map(({ request }) => request.path));
  expect([REFUSED, ...Object.keys(CHANGED_BY_LIMPET)].filter((row) => !names.has(row))).toEqual([]);
  expect(Object.keys(NOT_DECIDED).filter((path) => !paths.has(path))).toEqual([]);
});

test("a session is followed exactly where Envoy stuck to one host", () => {
  const vectors = readVectors<SessionVectors>("stateful_session_cookie_path");
  const rows = vectors.cases.filter(({ request }) => !(request.path in NOT_DECIDED));
  for (const row of rows) {
    const plan = planFrom(vectors.config[row.request.domain] as Domain, ENVOY_FOLLOW);
    expect({ row, followed: verdictOf(row, plan).followed !== undefined }).toEqual({
      row,
      followed: row.sticky,
    });
  }
  expect(rows.length).toBeGreaterThan(50);
});

describe("stateful_session_envelope", () => {
  const { config, cases } = readVectors<SessionVectors>("stateful_session_envelope");
  const NAME = "mcp-session-id";
  const sentBy = ({ request }: Row) => request.headers?.find(([name]) => name === NAME)?.[1];
  const isHost = ({ request }: Row, address: string) =>
    config[request.domain]?.hosts.some((host) => host.address === address) ?? false;

  test("an envelope leads to its host and the host sees its own value", () => {
    const rows = cases.filter((row) => sentBy(row) !== undefined && row.picked !== null);
    for (const row of rows) {
      const sent = sentBy(row) ?? "";
      const envelope = decodeEnvelope(sent);
      const followed = envelope !== undefined && isHost(row, envelope.address);
      expect({ sent, followed }).toEqual({ sent, followed: row.sticky });
      if (followed) expect(envelope.address).toBe(row.picked);
      expect(row.upstream_saw?.[NAME]).toEqual([envelope?.original ?? sent]);
    }
    expect(rows.length).toBeGreaterThan(9);
  });

  test("the host's value is wrapped into the bytes that Envoy sends", () => {
    const rows = cases.filter(({ response_headers }) => response_headers?.[NAME] !== undefined);
    for (const { picked, response_headers } of rows) {
      const text = encodeEnvelope({ address: picked ?? "", original: "up-sess-123" });
      expect(response_headers?.[NAME]).toEqual([text]);
    }
    expect(rows.length).toBeGreaterThan(4);
  });

  test("strict: an envelope for an unknown host is read as such", () => {
    const row = cases.find(({ picked }) => picked === null) as Row;
    const envelope = decodeEnvelope(sentBy(row) ?? "");
    expect(envelope?.original).toBe("x");
    expect(isHost(row, envelope?.address ?? "")).toBe(false);
  });
});
