// The decision without captures: splits, weights, lost sessions, retries, failures, and the words that say why.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  cookieSession,
  decideNow,
  endpointAt,
  headerSession,
  planOf,
  requestOf,
  ruleOf,
  seededRandom,
  sessionPlanOf,
  statesOf,
} from "../../test/support/affinity.ts";
import type { HashPolicy, LoadBalancer, SessionPersistence } from "../model/index.ts";
import { decide } from "./decide.ts";
import { encodeEnvoyCookie } from "./library.ts";
import { planRule, type RulePlan } from "./plan.ts";
import { encodeBase64 } from "./token/base64.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.1.1:80";
const D = "10.0.1.2:80";
const NOBODY = "10.9.9.9:80";
const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
const userPolicy: HashPolicy = { kind: "header", name: "x-user", terminal: false };

function withToken(...addresses: string[]) {
  const pairs = addresses.map((address) => `home=${encodeEnvoyCookie({ address })}`);
  return requestOf("/", [["cookie", pairs.join("; ")]]);
}

function strict(status = 503): SessionPersistence {
  return cookieSession({ onLost: { action: "reject", status } });
}

/** Ids of the backends that so many requests without a session reach. */
function backendsOf(plan: RulePlan, count = 200): (string | undefined)[] {
  const random = seededRandom(1);
  return Array.from({ length: count }, () => decideNow(plan, requestOf("/"), { random }).backend?.backend.id);
}

describe("session outcomes", () => {
  const plan = planOf(
    ruleOf(["b"], { session: cookieSession() }),
    backendOf("b", [A, B, endpointAt("10.0.0.3:80", { health: "unhealthy" })]),
  );

  test.each([
    ["new", requestOf("/"), "no token in cookie home"],
    ["new", requestOf("/", [["cookie", "home="]]), "no token in cookie home"],
    ["kept", withToken(A), `the token in cookie home names ${A}`],
    ["invalid", requestOf("/", [["cookie", "home=x"]]), "cookie home holds no valid token"],
    ["moved", withToken(NOBODY), `the token names ${NOBODY}, which is no endpoint of its backend`],
    ["moved", withToken("10.0.0.3:80"), "the token names 10.0.0.3:80, whose health is unhealthy"],
  ])("%s", (outcome, request, reason) => {
    const decision = decideNow(plan, request);
    expect(decision.outcome).toBe(outcome);
    expect(decision.reason).toContain(reason);
    expect([A, B]).toContain(addressOf(decision));
    expect(decision.issue === undefined).toBe(outcome === "kept");
  });

  test("of several tokens the first that can be followed wins", () => {
    const decision = decideNow(plan, withToken(NOBODY, B, A));
    expect([decision.outcome, addressOf(decision)]).toEqual(["kept", B]);
  });

  test("eight of them are looked at", () => {
    const junk = Array.from({ length: 7 }, (_, index) => `home=junk${index}; home=""`);
    const asked = (count: number) => {
      const cookies = [...junk.slice(0, count), `home=${encodeEnvoyCookie({ address: B })}`].join("; ");
      return decideNow(plan, requestOf("/", [["cookie", cookies]])).outcome;
    };
    expect([asked(0), asked(3), asked(4)]).toEqual(["kept", "kept", "invalid"]);
  });

  test("a lost token weighs more than one that does not parse", () => {
    const lost = `home=${encodeEnvoyCookie({ address: NOBODY })}; home=x`;
    expect(decideNow(plan, requestOf("/", [["cookie", lost]])).outcome).toBe("moved");
  });

  test("a rule without sessions has no outcome", () => {
    const bare = planOf(ruleOf(["b"]), backendOf("b", [A]));
    expect(decideNow(bare, withToken(A))).toMatchObject({ outcome: undefined, source: "balance" });
  });

  test("outside its path the rule keeps no sessions", () => {
    const session = cookieSession({}, { onlyUnderPath: "/shop" });
    const gated = sessionPlanOf(session, [A]);
    const outside = decideNow(gated, requestOf("/other"));
    expect([outside.outcome, outside.issue]).toEqual([undefined, undefined]);
    expect(decideNow(gated, requestOf("/shop/cart")).outcome).toBe("new");
  });

  test("a header carries the address", () => {
    const byHeader = sessionPlanOf(headerSession(), [A, B]);
    const decision = decideNow(byHeader, requestOf("/", [["X-Home", encodeBase64(B)]]));
    expect([decision.outcome, addressOf(decision)]).toEqual(["kept", B]);
  });
});

describe("health and sessions", () => {
  const draining = endpointAt(B, { health: "draining" });

  test("a draining endpoint keeps its sessions and gets no new ones", () => {
    const plan = sessionPlanOf(cookieSession(), [A, draining]);
    expect(addressOf(decideNow(plan, withToken(B)))).toBe(B);
    for (let i = 0; i < 30; i++) expect(addressOf(decideNow(plan, requestOf("/")))).toBe(A);
  });

  test("in panic a token is followed whatever the health", () => {
    const endpoints = [A, B].map((address) => endpointAt(address, { health: "unhealthy" }));
    const plan = sessionPlanOf(strict(), endpoints);
    expect(decideNow(plan, withToken(B))).toMatchObject({ outcome: "kept", pinned: true });
  });
});

describe("onLost: reject", () => {
  const plan = sessionPlanOf(strict(410), [A, B]);

  test("a session whose endpoint is gone is rejected with the configured status", () => {
    const decision = decideNow(plan, withToken(NOBODY));
    expect(decision).toMatchObject({
      outcome: "rejected",
      endpoint: undefined,
      failure: { code: "session-rejected", status: 410 },
      issue: undefined,
    });
    expect(decision.reason).toContain("may not move");
  });

  test("it never moves on a retry either", () => {
    const first = decideNow(plan, withToken(A));
    expect(first).toMatchObject({ outcome: "kept", pinned: true });
    const second = decideNow(plan, withToken(A), { tried: [first.endpoint!] });
    expect(second).toMatchObject({ outcome: "rejected", endpoint: undefined });
  });

  test("what is no token begins a new session", () => {
    expect(decideNow(plan, requestOf("/", [["cookie", "home=x"]]))).toMatchObject({
      outcome: "invalid",
      failure: undefined,
    });
  });
});

describe("retries", () => {
  test("a session that may move is moved off an endpoint that failed", () => {
    const plan = sessionPlanOf(cookieSession(), [A, B]);
    const first = decideNow(plan, withToken(A));
    const second = decideNow(plan, withToken(A), { tried: [first.endpoint!] });
    expect([second.outcome, addressOf(second)]).toEqual(["moved", B]);
    expect(second.reason).toContain("failed this request before");
  });

  test("a hash goes on to the next preference", () => {
    const rule = ruleOf(["b"], { hashPolicies: [userPolicy] });
    const plan = planOf(rule, backendOf("b", [A, B], { loadBalancer: maglev }));
    const request = requestOf("/", [["x-user", "ann"]]);
    const first = decideNow(plan, request);
    const second = decideNow(plan, request, { tried: [first.endpoint!] });
    expect(second.source).toBe("hash");
    expect(second.endpoint).not.toBe(first.endpoint);
  });
});

describe("several backends", () => {
  const one = backendOf("one", [A, B]);
  const two = backendOf("two", [C, D]);
  const references = [
    { backend: "one", weight: 1 },
    { backend: "two", weight: 3 },
  ];

  test("weights share out what has no session", () => {
    const seen = backendsOf(planOf(ruleOf(references), one, two), 4000);
    expect(seen.filter((id) => id === "two").length / 4000).toBeCloseTo(0.75, 1);
  });

  test("split: session keeps the backend whatever the weights, even at weight 0", () => {
    const rule = ruleOf(
      [
        { backend: "one", weight: 0 },
        { backend: "two", weight: 1 },
      ],
      { session: cookieSession({ split: "session" }) },
    );
    const plan = planOf(rule, one, two);
    const decision = decideNow(plan, withToken(A));
    expect([decision.outcome, decision.backend?.backend.id, decision.reference?.weight]).toEqual([
      "kept",
      "one",
      0,
    ]);
    expect(new Set(backendsOf(plan))).toEqual(new Set(["two"]));
  });

  test("split: weight chooses first, and a token for the other backend is lost", () => {
    const rule = ruleOf(references, { session: cookieSession({ split: "weight" }) });
    const plan = planOf(rule, one, two);
    const random = seededRandom(2);
    const outcomes = Array.from({ length: 400 }, () => decideNow(plan, withToken(A), { random }));
    const kept = outcomes.filter(({ outcome }) => outcome === "kept");
    expect(kept.every((decision) => addressOf(decision) === A)).toBe(true);
    expect(kept.length / 400).toBeCloseTo(0.25, 1);
    expect(outcomes.filter(({ outcome }) => outcome === "moved").length).toBe(400 - kept.length);
  });

  test("split: weight with a hash keeps one client in one backend", () => {
    const hashPolicies: HashPolicy[] = [
      { kind: "cookie", name: "u", ttlSec: 0, attributes: [], terminal: false },
    ];
    const hashed = [one, two].map((backend) => ({ ...backend, loadBalancer: maglev }));
    const plan = planOf(ruleOf(references, { hashPolicies, splitByHash: true }), ...hashed);
    const seen = new Set<string | undefined>();
    for (let port = 1; port <= 50; port++) {
      const client = {
        peerAddress: `192.0.2.7:${port}`,
        localAddress: "192.0.2.1:80",
        ip: "192.0.2.7",
        peerIsProxy: false,
      };
      const first = decideNow(plan, requestOf("/"), { client });
      const cookie = first.issue?.cookies[0];
      const second = decideNow(plan, requestOf("/", [["cookie", `u="${cookie?.value}"`]]), { client });
      expect(addressOf(second)).toBe(addressOf(first));
      seen.add(first.backend?.backend.id);
    }
    expect(seen).toEqual(new Set(["one", "two"]));
  });

  test("a reference's own session wins over the rule's", () => {
    const rule = ruleOf([{ backend: "one", session: cookieSession({}, { name: "own" }) }], {
      session: cookieSession(),
    });
    const plan = planOf(rule, one);
    expect(decideNow(plan, withToken(A)).outcome).toBe("new");
    const own = requestOf("/", [["cookie", `own=${encodeEnvoyCookie({ address: A })}`]]);
    expect(decideNow(plan, own).outcome).toBe("kept");
  });
});

describe("no endpoint", () => {
  test.each([
    ["an invalid reference", [{ weight: 1 }], "invalid-backend", 500],
    ["a backend that does not exist", ["nowhere"], "invalid-backend", 500],
    ["weights of 0", [{ backend: "b", weight: 0 }], "invalid-backend", 500],
    ["no references", [], "invalid-backend", 500],
    ["no endpoints", ["empty"], "no-endpoints", 503],
    ["nobody serving", ["ill"], "no-healthy-endpoint", 503],
  ] as const)("%s", (_name, references, code, status) => {
    const ill = backendOf("ill", [endpointAt(A, { health: "timeout" })], { panicThresholdPercent: 0 });
    const plan = planOf(ruleOf(references), backendOf("b", [A]), backendOf("empty", []), ill);
    const decision = decideNow(plan, requestOf("/"));
    expect(decision).toMatchObject({ endpoint: undefined, source: undefined, failure: { code, status } });
    expect(decision.reason).not.toBe("");
  });

  test("an invalid reference fails its share only", () => {
    const plan = planOf(ruleOf([{ weight: 1 }, { backend: "b", weight: 1 }]), backendOf("b", [A]));
    const seen = backendsOf(plan, 400);
    expect(seen.filter((id) => id === undefined).length / 400).toBeCloseTo(0.5, 1);
  });
});

describe("hashing", () => {
  const request = requestOf("/", [
    ["x-user", "ann"],
    ["x-room", "blue"],
  ]);

  test("asks for the table first, and says so", () => {
    const rule = ruleOf(["b"], { hashPolicies: [userPolicy] });
    const plan = planOf(rule, backendOf("b", [A, B], { loadBalancer: maglev }));
    const client = { peerAddress: "", localAddress: "", ip: "", peerIsProxy: false };
    const options = { nowSec: 0, random: () => 0 };
    const first = decide(plan, request, client, options);
    expect(first).toMatchObject({ endpoint: undefined, failure: undefined, issue: undefined });
    expect(first.reason).toContain("not built yet");
    expect(first.pending?.step(() => false)).toBe(true);
    const second = decide(plan, request, client, options);
    expect(second).toMatchObject({ source: "hash", pending: undefined });
    expect(second.reason).toMatch(/^request hash [0-9a-f]{16} leads to 10\.0\.0\.[12]:80 by Maglev$/);
  });

  test("without a key any endpoint will do, and it shows", () => {
    const rule = ruleOf(["b"], { hashPolicies: [{ ...userPolicy, name: "x-other" }] });
    const plan = planOf(rule, backendOf("b", [A, B], { loadBalancer: maglev }));
    const random = seededRandom(3);
    const decisions = Array.from({ length: 40 }, () => decideNow(plan, request, { random }));
    expect(new Set(decisions.map(addressOf))).toEqual(new Set([A, B]));
    expect(decisions.every(({ hashKeyMissing, source }) => hashKeyMissing && source === "balance")).toBe(
      true,
    );
  });

  test("policies of the backend win over the rule's and nothing falls through", () => {
    const own = { ...maglev, hashPolicies: [{ ...userPolicy, name: "x-other" }] };
    const plan = planOf(
      ruleOf(["b"], { hashPolicies: [userPolicy] }),
      backendOf("b", [A, B], { loadBalancer: own }),
    );
    expect(decideNow(plan, request).hashKeyMissing).toBe(true);
  });

  test("a reference's balancer wins over the backend's", () => {
    const plan = planOf(
      ruleOf([{ backend: "b", loadBalancer: maglev }], { hashPolicies: [userPolicy] }),
      backendOf("b", [A, B]),
    );
    expect(decideNow(plan, request).source).toBe("hash");
  });

  test("a session wins over the hash", () => {
    const rule = ruleOf(["b"], { hashPolicies: [userPolicy], session: cookieSession() });
    const plan = planOf(rule, backendOf("b", [A, B], { loadBalancer: maglev }));
    const hashed = addressOf(decideNow(plan, request));
    const other = hashed === A ? B : A;
    const decision = decideNow(plan, withToken(other));
    expect([decision.source, addressOf(decision)]).toEqual(["session", other]);
  });
});

test("a reason tells of the moment of its decision, however late it is read", () => {
  const ill = backendOf("a", [endpointAt(A, { health: "unhealthy" }), endpointAt(B), endpointAt(C)]);
  const states = statesOf(ill);
  const plan = planRule(ruleOf(["a"], { session: cookieSession() }), states);
  const decision = decideNow(plan, withToken(A));
  states.update([backendOf("a", [endpointAt(A, { health: "healthy" }), endpointAt(B), endpointAt(C)])]);
  expect(decision.reason).toContain(`the token names ${A}, whose health is unhealthy; `);
});
