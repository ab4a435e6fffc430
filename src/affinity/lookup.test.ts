// The contract of all lookups: they yield serving endpoints in an order of preference, true to their weights.
import { describe, expect, test } from "vitest";
import { backendOf, endpointAt, seededRandom, statesOf } from "../../test/support/affinity.ts";
import type { LoadBalancer } from "../model/index.ts";
import type { LiveBackend } from "./backend-states.ts";
import type { EndpointState } from "./decision.ts";
import { type EndpointLookup, pickUntried } from "./lookup.ts";
import { hashText } from "./xxhash64.ts";

const BALANCERS: Record<string, LoadBalancer> = {
  "ring hash": {
    kind: "ringHash",
    minimumSize: 1024,
    maximumSize: 8_388_608,
    hashFunction: "xxHash",
    useHostname: false,
  },
  Maglev: { kind: "maglev", tableSize: 65537, useHostname: false },
  "bounded Maglev": { kind: "maglev", tableSize: 65537, useHostname: false, balanceFactorPercent: 125 },
  "least request": { kind: "leastRequest", choiceCount: 2 },
  "round robin": { kind: "roundRobin" },
  random: { kind: "random" },
};

function liveBackend(weights: readonly number[]): LiveBackend {
  const endpoints = weights.map((weight, i) => endpointAt(`10.0.0.${i + 1}:80`, { weight }));
  return statesOf(backendOf("carts", endpoints)).get("carts") as LiveBackend;
}

function ready(backend: LiveBackend, balancer: LoadBalancer): EndpointLookup {
  const lookup = backend.lookup(balancer);
  lookup.pending?.step(() => false);
  return lookup;
}

function hashOf(key: string) {
  const hash = { high: 0, low: 0 };
  hashText(key, hash);
  return hash;
}

/** How many of `count` keys each endpoint gets. */
function shares(lookup: EndpointLookup, backend: LiveBackend, count: number): number[] {
  const random = seededRandom(1);
  const counts = new Map<EndpointState, number>();
  for (let i = 0; i < count; i++) {
    const state = lookup.pick(hashOf(`key-${i}`), 0, random);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return backend.endpoints.map((state) => (counts.get(state) ?? 0) / count);
}

describe.each(Object.entries(BALANCERS))("%s", (_name, balancer) => {
  test("walking on reaches every endpoint once before one comes again", () => {
    const backend = liveBackend([1, 1, 1, 1, 1]);
    const lookup = ready(backend, balancer);
    const random = seededRandom(2);
    for (let key = 0; key < 50; key++) {
      const tried: EndpointState[] = [];
      for (const _ of backend.endpoints) {
        tried.push(pickUntried(lookup, backend.serving.endpoints, hashOf(`key-${key}`), random, tried));
      }
      expect(new Set(tried)).toEqual(new Set(backend.endpoints));
    }
  });

  test("where all have been tried, one of them is still named", () => {
    const backend = liveBackend([1, 1]);
    const lookup = ready(backend, balancer);
    const choice = pickUntried(
      lookup,
      backend.serving.endpoints,
      hashOf("k"),
      seededRandom(3),
      backend.endpoints,
    );
    expect(backend.endpoints).toContain(choice);
  });

  test("a single endpoint gets everything", () => {
    const backend = liveBackend([7]);
    expect(shares(ready(backend, balancer), backend, 100)).toEqual([1]);
  });

  test("endpoints get shares by weight", () => {
    const backend = liveBackend([1, 2, 5]);
    const [first = 0, second = 0, third = 0] = shares(ready(backend, balancer), backend, 20_000);
    expect(first).toBeCloseTo(1 / 8, 1);
    expect(second).toBeCloseTo(2 / 8, 1);
    expect(third).toBeCloseTo(5 / 8, 1);
  });
});

describe.each(["ring hash", "Maglev"])("%s", (name) => {
  test("the same hash and attempt always name the same endpoint", () => {
    const backend = liveBackend([1, 1, 1, 1, 1]);
    const lookup = ready(backend, BALANCERS[name] as LoadBalancer);
    for (let attempt = 0; attempt < 5; attempt++) {
      const choices = [1, 2, 3].map((seed) => lookup.pick(hashOf("user"), attempt, seededRandom(seed)));
      expect(new Set(choices).size).toBe(1);
    }
  });
});

describe("bounded load", () => {
  const balancer = BALANCERS["bounded Maglev"] as LoadBalancer;

  test("one hot key fills an endpoint to its bound and then spreads, the same way each time", () => {
    const walk = () => {
      const backend = liveBackend([1, 1, 1, 1]);
      const lookup = ready(backend, balancer);
      return Array.from({ length: 40 }, () => {
        const state = lookup.pick(hashOf("hot"), 0, seededRandom(4));
        state.active++;
        return state.endpoint.address;
      });
    };
    const choices = walk();
    expect(walk()).toEqual(choices);
    const most = Math.max(...[...new Set(choices)].map((one) => choices.filter((c) => c === one).length));
    expect(most).toBeLessThanOrEqual(Math.ceil((40 * 1.25) / 4) + 1);
  });

  test("where all are over their bound, the least overloaded takes it", () => {
    const backend = liveBackend([1, 1, 1]);
    for (const [index, state] of backend.endpoints.entries()) state.active = [50, 20, 50][index] ?? 0;
    const all = backend.endpoints.reduce((sum, { active }) => sum + active, 0);
    expect(all).toBe(120);
    expect(ready(backend, balancer).pick(hashOf("any"), 0, seededRandom(5))).toBe(backend.endpoints[1]);
  });
});

test("least request takes the less busy of two, for its weight", () => {
  const backend = liveBackend([1, 1]);
  const lookup = backend.lookup({ kind: "leastRequest", choiceCount: 8 });
  const [first, second] = backend.endpoints;
  first!.active = 3;
  const random = seededRandom(6);
  const choices = Array.from({ length: 50 }, () => lookup.pick(hashOf(""), 0, random));
  expect(choices.filter((state) => state === second).length).toBeGreaterThan(45);
});

test("round robin goes round, from a random start", () => {
  const backend = liveBackend([1, 1, 1]);
  const lookup = backend.lookup({ kind: "roundRobin" });
  const order = Array.from({ length: 6 }, () => lookup.pick(hashOf(""), 0, () => 0.5).endpoint.address);
  expect(order).toEqual(["2", "3", "1", "2", "3", "1"].map((n) => `10.0.0.${n}:80`));
});
