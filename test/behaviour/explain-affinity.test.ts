// What an explanation says of sessions, tokens, hashes, splits and endpoints.
import { describe, expect, test } from "vitest";
import { requestHash } from "../../src/affinity/library.ts";
import type { HashPolicy, LoadBalancer, SessionPersistence, Snapshot } from "../../src/model/index.ts";
import { explained, explaining } from "../support/explaining.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { ringOf } from "../support/sealed.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const URL = "GET http://shop.example/";
const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
const KEYS = ringOf([1]);
const endpoints = [1, 2, 3, 4].map((number) =>
  endpoint(`10.0.0.${number}:80`, { uid: `uid-${number}`, hostname: `web-${number}` }),
);
const web = backend("web", endpoints);
const table = backend("table", endpoints, { loadBalancer: maglev });

function sealed(more: Partial<SessionPersistence> = {}): SessionPersistence {
  return cookieSession("home", {
    token: { format: "sealed", identity: "uid" },
    scope: "HTTPRoute/default/shop/home",
    origin: {
      declaredBy: "AffinityPolicy/default/carts spec.session",
      overrides: ["HTTPRoute/default/shop"],
    },
    ...more,
  });
}

function serving(session: SessionPersistence, web4 = web): Snapshot {
  return snapshotOf({ backends: [web4], rules: [forwardRule([web4], { session })] });
}

/** The cookie that a gateway gives for a new session, and its endpoint. */
function begin(snapshot: Snapshot): { cookie: string; home: string } {
  const gateway = new MemoryGateway(snapshot);
  gateway.context.sessionKeys = KEYS;
  const client = gateway.request();
  gateway.endpoints.last.answer(200);
  const [line = ""] = client.responseFields("set-cookie");
  return { cookie: `cookie: ${line.split(";")[0]}`, home: gateway.endpoints.last.endpoint.address };
}

function hashed(...policies: HashPolicy[]): Snapshot {
  return snapshotOf({ backends: [table], rules: [forwardRule([table], { hashPolicies: policies })] });
}

const header = (name: string, terminal = false): HashPolicy => ({ kind: "header", name, terminal });

describe("a session", () => {
  test("is kept, and its token is looked into", () => {
    const snapshot = serving(sealed({ absoluteTimeoutSec: 3600 }));
    const { cookie, home } = begin(snapshot);
    const told = explained(snapshot, URL, { headers: [cookie], keys: KEYS, at: "2026-01-01T00:10:00Z" });
    expect(told).toMatchObject({
      endpoint: home,
      backend: web.id,
      outcome: "kept",
      source: "session",
      reason: `the token in cookie home names ${home}`,
      candidates: [],
    });
    const [session] = told.stages.affinity?.sessions ?? [];
    expect(session).toMatchObject({
      carrier: "cookie home",
      declaredBy: "AffinityPolicy/default/carts spec.session",
      overrides: ["HTTPRoute/default/shop"],
    });
    expect(session?.tokens).toEqual([
      {
        format: "sealed",
        keyId: KEYS.keyIds[0],
        endpoint: home,
        identity: `uid uid-${home.at(7)}`,
        begunAt: "2026-01-01T00:00:00Z",
        lastSeenAt: null,
        endsAt: "2026-01-01T01:00:00Z",
        ageSec: 600,
        leftSec: 3000,
        verdict: "followed",
      },
    ]);
    expect(told.stages.affinity?.hash).toBeNull();
  });

  test("that is new is drawn: the explanation has the shares in place of an endpoint", () => {
    const told = explained(serving(sealed()), URL, { keys: KEYS });
    expect(told).toMatchObject({ endpoint: null, backend: web.id, outcome: "new", answer: null });
    expect(told.reason).toBe(
      "no token in cookie home; the endpoint is drawn by least session load among 4 endpoints of Service/default/web",
    );
    expect(told.candidates.map((one) => one.endpoint)).toEqual(endpoints.map(({ address }) => address));
    for (const { share } of told.candidates) expect(share).toBeCloseTo(0.25, 1);
    const [line = ""] = told.stages.exchange?.response ?? [];
    expect(line).toBe('set-cookie: home="<new token>"; Path=/; HttpOnly');
  });

  test("whose pod is gone moves, and says which token led where", () => {
    const { cookie, home } = begin(serving(sealed()));
    const others = { ...web, endpoints: endpoints.filter(({ address }) => address !== home) };
    const told = explained(serving(sealed(), others), URL, { headers: [cookie], keys: KEYS });
    expect(told.outcome).toBe("moved");
    expect(told.candidates).toHaveLength(3);
    expect(told.stages.affinity?.sessions[0]?.tokens[0]?.verdict).toBe(
      `the token names ${home}, which is no endpoint of its backend`,
    );
    const stranger = { ...web, endpoints: endpoints.map((one) => ({ ...one, uid: `${one.uid}-new` })) };
    const reused = explained(serving(sealed(), stranger), URL, { headers: [cookie], keys: KEYS });
    expect(reused.stages.affinity?.sessions[0]?.tokens[0]?.verdict).toBe(
      `the token names ${home}, whose address another pod has now`,
    );
  });

  test("that may not move is rejected, or tried nowhere else", () => {
    const strict = sealed({ onLost: { action: "reject", status: 410 } });
    const { cookie, home } = begin(serving(strict));
    const others = { ...web, endpoints: endpoints.filter(({ address }) => address !== home) };
    const lost = explained(serving(strict, others), URL, { headers: [cookie], keys: KEYS });
    expect(lost).toMatchObject({
      endpoint: null,
      outcome: "rejected",
      answer: { status: 410, code: "session-rejected" },
      candidates: [],
    });
    const kept = explained(serving(strict), URL, { headers: [cookie], keys: KEYS, refusing: [home] });
    expect(kept).toMatchObject({
      endpoint: home,
      outcome: "kept",
      answer: { status: 503, code: "connect-failed" },
    });
    expect(kept.stages.endpoint).toMatchObject({ pinned: true, runnerUps: [] });
  });

  test("whose endpoint refuses connections goes on elsewhere", () => {
    const snapshot = snapshotOf({
      backends: [table],
      rules: [forwardRule([table], { hashPolicies: [header("x-user")] })],
    });
    const headers = ["x-user: ada"];
    const before = explained(snapshot, URL, { headers });
    const [next] = before.stages.endpoint?.runnerUps ?? [];
    const after = explained(snapshot, URL, { headers, refusing: [before.endpoint as string] });
    expect(after.endpoint).toBe(next);
    expect(after.stages.exchange?.attempts.map((one) => [one.endpoint, one.refused])).toEqual([
      [before.endpoint, true],
      [next, false],
    ]);
  });

  test.each([
    ["over", "2026-01-01T00:40:00Z", "expired", "the session's idle timeout is over"],
    ["over for good", "2026-01-01T02:00:00Z", "expired", "the session's absolute timeout is over"],
  ])("that is %s says which of its times it was", (_, at, outcome, verdict) => {
    const snapshot = serving(sealed({ absoluteTimeoutSec: 3600, idleTimeoutSec: 1200 }));
    const { cookie } = begin(snapshot);
    const told = explained(snapshot, URL, { headers: [cookie], keys: KEYS, at });
    expect(told.outcome).toBe(outcome);
    expect(told.stages.affinity?.sessions[0]?.tokens[0]).toMatchObject({ format: "sealed", verdict });
  });

  test("says why a text is no token of it", () => {
    const snapshot = serving(sealed());
    const { cookie } = begin(snapshot);
    const verdictOf = (text: string, keys = KEYS) => {
      const told = explained(snapshot, URL, { headers: [text], keys });
      expect(told.outcome).toBe("invalid");
      return told.stages.affinity?.sessions[0]?.tokens[0]?.verdict;
    };
    const [id] = KEYS.keyIds;
    expect(verdictOf("cookie: home=nonsense")).toBe("it is no token");
    expect(verdictOf('cookie: home="CgsxMC4wLjAuMTo4MA=="')).toMatch(
      /^it is a token in Envoy's format, which is not signed/,
    );
    expect(verdictOf(cookie, ringOf([2]))).toBe(
      `it is sealed with key ${id}, which is not among the keys here`,
    );
    const changed = cookie.replace(/.{9}"$/, (end) => `${end[0] === "A" ? "B" : "A"}${end.slice(1)}`);
    expect(verdictOf(changed)).toBe(
      `it names key ${id} but does not open: it was changed, or is of another session`,
    );
  });

  test("in a wrapped cookie goes to the application as its own, which an explanation does not show", () => {
    const carrier = { kind: "wrappedCookie", name: "JSESSIONID" } as const;
    const snapshot = serving(sealed({ carrier }));
    const gateway = new MemoryGateway(snapshot);
    gateway.context.sessionKeys = KEYS;
    const client = gateway.request();
    gateway.endpoints.last.answer(200, ["set-cookie", "JSESSIONID=ABC; Path=/"]);
    const [line = ""] = client.responseFields("set-cookie");
    const told = explained(snapshot, URL, { headers: [`cookie: ${line.split(";")[0]}`], keys: KEYS });
    expect(told).toMatchObject({ outcome: "kept", endpoint: gateway.endpoints.last.endpoint.address });
    expect(told.stages.exchange?.attempts[0]?.added).toContain("cookie: JSESSIONID=...");
    expect(JSON.stringify(told)).not.toContain("ABC");
  });
});

describe("a hash", () => {
  test("is shown policy by policy, with its bytes", () => {
    const policies = [header("x-none"), header("x-user"), header("x-team", true), header("x-late")];
    const headers = ["x-user: b\xe9", "x-user: a", "x-team: red"];
    const told = explained(hashed(...policies), URL, { headers });
    const { hash } = told.stages.affinity ?? {};
    expect(hash?.policies.map(({ key, inputs, skipped }) => [key, inputs, skipped])).toEqual([
      ["header x-none", [], false],
      ["header x-user", ["a", "b\\xc3\\xa9"], false],
      ["header x-team", ["red"], false],
      ["header x-late", [], true],
    ]);
    const alone = requestHash([header("x-team")], { headers: [["x-team", "red"]] });
    expect(hash?.policies[2]?.hash).toBe(alone?.toString(16).padStart(16, "0"));
    expect(told.reason).toContain(`request hash ${hash?.combined} leads to ${told.endpoint} by Maglev`);
    expect(told.stages.endpoint?.runnerUps).toHaveLength(3);
  });

  test("without a key is drawn, and says so", () => {
    const told = explained(hashed(header("x-user")), URL);
    expect(told.candidates).toHaveLength(4);
    expect(told.stages.affinity?.hash).toMatchObject({
      combined: null,
      policies: [{ hash: null, inputs: [] }],
    });
    expect(told.reason).toMatch(/^no hash key in the request/);
  });

  const pin: HashPolicy = { kind: "cookie", name: "pin", ttlSec: 60, attributes: [], terminal: false };

  test("of a generated cookie is certain for a client, and goes out with the response", () => {
    const told = explained(hashed(pin), URL, { client: "192.0.2.1:4000", local: "192.0.2.9:80" });
    expect(told.endpoint).not.toBeNull();
    expect(told.stages.affinity?.hash?.policies[0]).toMatchObject({ generated: true, key: "cookie pin" });
    const value = told.stages.affinity?.hash?.policies[0]?.inputs[0];
    expect(told.stages.exchange?.response).toEqual([`set-cookie: pin="${value}"; Max-Age=60; HttpOnly`]);
    const again = explained(hashed(pin), URL, { headers: [`cookie: pin="${value}"`] });
    expect(again.endpoint).toBe(told.endpoint);
    expect(again.stages.affinity?.hash?.policies[0]?.generated).toBe(false);
  });

  test("of a cookie that a proxy's client gets is random, and so is the endpoint", () => {
    const told = explained(hashed(pin), URL, { client: "10.0.0.1:4000", options: { trustedHops: 1 } });
    expect(told.candidates).toHaveLength(4);
    expect(told.stages.affinity?.hash).toMatchObject({ combined: null });
    expect(told.reason).toMatch(/^a hash cookie is generated at random/);
  });

  test("of the client's address says which part of it counts", () => {
    const policy: HashPolicy = { kind: "sourceIp", v4PrefixBits: 24, terminal: false };
    const told = (client: string) => explained(hashed(policy), URL, { client });
    expect(told("192.0.2.7").endpoint).toBe(told("192.0.2.200").endpoint);
    expect(told("192.0.2.7").stages.affinity?.hash?.policies[0]?.key).toBe("source IP (/24 of IPv4)");
  });
});

describe("a split", () => {
  const canary = backend("canary", [endpoint("10.0.1.1:80")]);
  const backends = [
    { backend: web.id, weight: 70, filters: [] },
    { backend: canary.id, weight: 30, filters: [] },
  ];
  const action = { kind: "forward", backends } as const;
  const snapshot = (more: object) =>
    snapshotOf({ backends: [web, canary], rules: [forwardRule([], { action, ...more })] });

  test("by draw gives every backend its share", () => {
    const told = explained(snapshot({}), URL);
    expect(told).toMatchObject({ endpoint: null, backend: null });
    const ofCanary = told.candidates.filter((one) => one.backend === canary.id);
    expect(ofCanary.map(({ share }) => share)[0]).toBeCloseTo(0.3, 2);
    expect(told.candidates.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 2);
    expect(told.stages.affinity?.split).toMatchObject({ by: "draw", value: null, total: 100 });
  });

  test("by hash has the value, and the part of the weights that it lies in", () => {
    const told = explained(snapshot({ splitByHash: true, hashPolicies: [header("x-user")] }), URL, {
      headers: ["x-user: ada"],
    });
    const { split } = told.stages.affinity ?? {};
    const value = split?.value as number;
    const chosen = split?.backends.find(({ from, to }) => from <= value && value < to);
    expect(told.backend).toBe(chosen?.backend);
    expect(split).toMatchObject({ by: "hash", total: 100 });
  });

  test("that a session decides says so", () => {
    const session = cookieSession("home");
    const cookie = `cookie: home="${Buffer.from("\n\x0b10.0.1.1:80", "latin1").toString("base64")}"`;
    const told = explained(snapshot({ session }), URL, { headers: [cookie] });
    expect(told).toMatchObject({ endpoint: "10.0.1.1:80", backend: canary.id, outcome: "kept" });
    expect(told.stages.affinity?.split?.by).toBe("session");
    expect(told.stages.affinity?.sessions[0]?.tokens[0]).toMatchObject({ format: "envoy", keyId: null });
  });
});

describe("the endpoints", () => {
  test("are told with their health, and with who takes new sessions", () => {
    const states = ["healthy", "unhealthy", "draining", "healthy"] as const;
    const mixed = {
      ...table,
      endpoints: endpoints.map((one, index) => ({ ...one, health: states[index] ?? "healthy" })),
    };
    const rules = [forwardRule([mixed], { hashPolicies: [header("x-user")] })];
    const told = explained(snapshotOf({ backends: [mixed], rules }), URL, { headers: ["x-user: ada"] });
    expect(told.stages.endpoint?.endpoints.map(({ health, serves }) => [health, serves])).toEqual([
      ["healthy", true],
      ["unhealthy", false],
      ["draining", false],
      ["healthy", true],
    ]);
    expect(told.stages.endpoint).toMatchObject({ panic: false, balancer: "Maglev" });
  });

  test("are all taken in panic, which is told", () => {
    const ill = { ...web, endpoints: endpoints.map((one) => ({ ...one, health: "unhealthy" as const })) };
    const told = explained(snapshotOf({ backends: [ill] }), URL);
    expect(told.stages.endpoint?.panic).toBe(true);
    expect(told.candidates).toHaveLength(4);
  });

  test("are no busier for a question: the next answer is the same", () => {
    const explain = explaining();
    const snapshot = serving(sealed());
    const first = explain(snapshot, URL, { keys: KEYS });
    for (let count = 0; count < 20; count++) expect(explain(snapshot, URL, { keys: KEYS })).toEqual(first);
  });

  test("of the next snapshot are those that are told of", () => {
    const explain = explaining();
    const headers = ["x-user: ada"];
    const before = explain(hashed(header("x-user")), URL, { headers });
    const rest = { ...table, endpoints: endpoints.filter(({ address }) => address !== before.endpoint) };
    const rules = [forwardRule([rest], { hashPolicies: [header("x-user")] })];
    const next = snapshotOf({ version: 2, backends: [rest], rules });
    const after = explain(next, URL, { headers });
    expect(after.stages.endpoint?.endpoints).toHaveLength(3);
    expect(after).toEqual(explained(next, URL, { headers }));
  });
});
