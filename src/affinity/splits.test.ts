// Weights: what they share out, what they leave alone, and hash cookies that decide backend and endpoint from the start.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  CLIENT,
  cookieSession,
  decideNow,
  planOf,
  requestOf,
  ruleOf,
  seededRandom,
} from "../../test/support/affinity.ts";
import { chiSquareLimit, chiSquareOf } from "../../test/support/chi-square.ts";
import type { HashPolicy, LoadBalancer } from "../model/index.ts";
import type { Decision } from "./decision.ts";
import { encodeEnvoyCookie } from "./library.ts";
import type { RulePlan } from "./plan.ts";

const BACKENDS = ["one", "two", "three", "four"].map((id, net) =>
  backendOf(id, [`10.0.${net}.1:80`, `10.0.${net}.2:80`, `10.0.${net}.3:80`]),
);
const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
const ring: LoadBalancer = {
  kind: "ringHash",
  minimumSize: 1024,
  maximumSize: 8192,
  hashFunction: "xxHash",
  useHostname: false,
};
const hashCookie: HashPolicy = { kind: "cookie", name: "u", ttlSec: 0, attributes: [], terminal: false };

function references(weights: readonly number[]) {
  return weights.map((weight, index) => ({ backend: BACKENDS[index]!.id, weight }));
}

/** A plan that splits by these weights. */
function split(weights: readonly number[], over: Parameters<typeof ruleOf>[1] = {}): RulePlan {
  return planOf(ruleOf(references(weights), over), ...BACKENDS);
}

function countsOf(decisions: readonly Decision[], size: number): number[] {
  return BACKENDS.slice(0, size).map(
    ({ id }) => decisions.filter(({ backend }) => backend?.backend.id === id).length,
  );
}

function tokenOf(decision: Decision) {
  const token = encodeEnvoyCookie({ address: addressOf(decision) as string });
  return requestOf("/", [["cookie", `home=${token}`]]);
}

describe("new sessions follow the weights", () => {
  test.each([[[70, 30]], [[1, 99]], [[1, 1, 1, 1]], [[5, 0, 20, 75]]])("%j", (weights) => {
    const plan = split(weights, { session: cookieSession() });
    const random = seededRandom(weights.length);
    const decisions = Array.from({ length: 10_000 }, () => decideNow(plan, requestOf("/"), { random }));
    const counts = countsOf(decisions, weights.length);
    expect(chiSquareOf(counts, weights)).toBeLessThan(
      chiSquareLimit(weights.filter((w) => w > 0).length - 1),
    );
    for (const [index, weight] of weights.entries()) if (weight === 0) expect(counts[index]).toBe(0);
  });

  test("and so do hash cookies", () => {
    const weights = [70, 30];
    const plan = planOf(
      ruleOf(references(weights), { hashPolicies: [hashCookie], splitByHash: true }),
      ...BACKENDS.map((backend) => ({ ...backend, loadBalancer: maglev })),
    );
    const decisions = Array.from({ length: 10_000 }, (_, port) =>
      decideNow(plan, requestOf("/"), { client: { ...CLIENT, peerAddress: `192.0.2.7:${port}` } }),
    );
    expect(chiSquareOf(countsOf(decisions, 2), weights)).toBeLessThan(chiSquareLimit(1));
  });
});

describe("a backend whose weight becomes 0", () => {
  test("keeps its sessions under split: session, and gets no new ones", () => {
    const session = cookieSession({ split: "session" });
    const home = decideNow(split([1, 0], { session }), requestOf("/"));
    const plan = split([0, 1], { session });
    expect(decideNow(plan, tokenOf(home))).toMatchObject({
      outcome: "kept",
      endpoint: { endpoint: home.endpoint?.endpoint },
    });
    const fresh = Array.from({ length: 200 }, () => decideNow(plan, requestOf("/")));
    expect(countsOf(fresh, 2)).toEqual([0, 200]);
  });

  test("keeps them even where all weights are 0", () => {
    const session = cookieSession({ split: "session" });
    const home = decideNow(split([1, 0], { session }), requestOf("/"));
    const plan = split([0, 0], { session });
    expect(decideNow(plan, tokenOf(home)).outcome).toBe("kept");
    expect(decideNow(plan, requestOf("/")).failure?.code).toBe("invalid-backend");
  });

  test("gets no request any more under split: weight, and its sessions move", () => {
    const session = cookieSession({ split: "weight" });
    const home = decideNow(split([1, 0], { session }), requestOf("/"));
    const plan = split([0, 1], { session });
    const next = decideNow(plan, tokenOf(home));
    expect(next).toMatchObject({ outcome: "moved", backend: { backend: { id: "two" } } });
  });
});

test("weights that change move no session under split: session", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 3, maxLength: 3 });
  const session = cookieSession({ split: "session" });
  fc.assert(
    fc.property(weights, weights, fc.integer(), (before, after, seed) => {
      fc.pre(before.some((weight) => weight > 0));
      const random = seededRandom(seed);
      const home = decideNow(split(before, { session }), requestOf("/"), { random });
      const next = decideNow(split(after, { session }), tokenOf(home), { random });
      expect([next.outcome, addressOf(next)]).toEqual(["kept", addressOf(home)]);
    }),
    { numRuns: 100 },
  );
});

test("a generated hash cookie decides backend and endpoint from the first request on, whatever the weights", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 4 });
  const client = fc.record({ port: fc.integer({ min: 1, max: 65_535 }), peerIsProxy: fc.boolean() });
  fc.assert(
    fc.property(
      weights,
      client,
      fc.constantFrom(maglev, ring),
      fc.integer(),
      (all, peer, loadBalancer, seed) => {
        fc.pre(all.some((weight) => weight > 0));
        const rule = ruleOf(references(all), { hashPolicies: [hashCookie], splitByHash: true });
        const plan = planOf(rule, ...BACKENDS.map((backend) => ({ ...backend, loadBalancer })));
        const from = { ...CLIENT, peerAddress: `192.0.2.7:${peer.port}`, peerIsProxy: peer.peerIsProxy };
        const random = seededRandom(seed);
        const ask = () => decideNow(plan, requestOf("/"), { client: from, random });
        let first = ask();
        // Another cookie may lead to the other backend, whose table is not built yet.
        while (first.pending !== undefined) first = ask();
        const [cookie] = first.issue?.cookies ?? [];
        // The next request comes over another connection, and through another replica's randomness.
        const again = requestOf("/", [["cookie", `u="${cookie?.value}"`]]);
        const second = decideNow(plan, again, {
          client: { ...CLIENT, peerAddress: "198.51.100.1:1" },
          random: seededRandom(seed + 1),
        });
        expect(first.source).toBe("hash");
        expect(addressOf(second)).toBe(addressOf(first));
        expect(second.backend?.backend.id).toBe(first.backend?.backend.id);
        expect(second.issue).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  );
});
