// Slow start over simulated time: the share of an endpoint that just began to serve, and that nobody else pays for it.
import { describe, expect, test } from "vitest";
import { backendOf, endpointAt, seededRandom, statesAt } from "../../test/support/affinity.ts";
import type { Backend, LoadBalancer, SlowStart } from "../model/index.ts";
import { LeastRequestLookup } from "./balance.ts";
import { slowStartWeight } from "./slow-start.ts";

const START_MS = 1_000_000;
const SLOW: SlowStart = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };
const NEWCOMER = endpointAt("10.0.0.3:80", { slowStartSinceMs: START_MS });
const HASH = { high: 0, low: 0 };
const BALANCERS: [string, LoadBalancer][] = [
  ["least request", { kind: "leastRequest", choiceCount: 2 }],
  ["round robin", { kind: "roundRobin" }],
];

function backendIn(slowStart: SlowStart, loadBalancer: LoadBalancer): Backend {
  return backendOf("b", ["10.0.0.1:80", "10.0.0.2:80", NEWCOMER], { loadBalancer, slowStart });
}

/** Share of the newcomer at moments after it began, of 3000 picks each. */
function sharesOver(
  loadBalancer: LoadBalancer,
  slowStart: SlowStart,
  momentsMs: readonly number[],
): number[] {
  let nowMs = START_MS;
  const live = statesAt(() => nowMs, backendIn(slowStart, loadBalancer)).get("b");
  const lookup = live?.lookup(loadBalancer);
  const random = seededRandom(7);
  return momentsMs.map((momentMs) => {
    nowMs = START_MS + momentMs;
    const picks = Array.from({ length: 3000 }, () => lookup?.pick(HASH, 0, random));
    return picks.filter((state) => state?.endpoint === NEWCOMER).length / picks.length;
  });
}

describe.each(BALANCERS)("%s", (_name, balancer) => {
  test("gives the newcomer its share little by little: weight 0.1, then the part of the window that is over", () => {
    const [start, third, half, end, later] = sharesOver(balancer, SLOW, [0, 20_000, 30_000, 60_000, 90_000]);
    expect(start).toBeCloseTo(0.1 / 2.1, 1);
    expect(third).toBeCloseTo(1 / 3 / (2 + 1 / 3), 1);
    expect(half).toBeCloseTo(0.5 / 2.5, 1);
    expect(end).toBeCloseTo(1 / 3, 1);
    expect(later).toBeCloseTo(1 / 3, 1);
  });

  test("serves the newcomer however rarely requests come", () => {
    const moments = Array.from({ length: 40 }, (_, i) => i * 1500);
    let nowMs = START_MS;
    const lookup = statesAt(() => nowMs, backendIn(SLOW, balancer))
      .get("b")
      ?.lookup(balancer);
    const random = seededRandom(3);
    const picked = moments.map((momentMs) => {
      nowMs = START_MS + momentMs;
      return lookup?.pick(HASH, 0, random).endpoint.address;
    });
    const share = picked.filter((address) => address === NEWCOMER.address).length / picked.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.34);
  });
});

test("weights follow Envoy's formula with aggression and a floor", () => {
  const at = (slowStart: SlowStart, sinceMs: number) =>
    slowStartWeight(NEWCOMER, slowStart, START_MS + sinceMs);
  expect(at(SLOW, 0)).toBeCloseTo(0.1);
  expect(at(SLOW, 15_000)).toBeCloseTo(0.25);
  expect(at({ ...SLOW, aggression: 2 }, 15_000)).toBeCloseTo(0.5);
  expect(at({ ...SLOW, aggression: 0.5 }, 30_000)).toBeCloseTo(0.25);
  expect(at({ ...SLOW, minWeightPercent: 0 }, 0)).toBeCloseTo(1 / 60_000);
  expect(at(SLOW, 60_000)).toBe(1);
  expect(slowStartWeight({ ...NEWCOMER, weight: 5 }, SLOW, START_MS + 30_000)).toBeCloseTo(2.5);
});

test("endpoints whose slow start is over are balanced without any clock", () => {
  const balancer: LoadBalancer = { kind: "leastRequest", choiceCount: 2 };
  const clock = () => {
    throw new Error("the clock was read");
  };
  const backend = backendOf("b", ["10.0.0.1:80"], { loadBalancer: balancer, slowStart: SLOW });
  expect(statesAt(clock, backend).get("b")?.lookup(balancer)).toBeInstanceOf(LeastRequestLookup);
});

test("hash tables know no slow start", () => {
  const balancer: LoadBalancer = { kind: "maglev", tableSize: 65537, useHostname: false };
  const [atStart, later] = [0, 60_000].map((momentMs) => {
    const live = statesAt(() => START_MS + momentMs, backendIn(SLOW, balancer)).get("b");
    const lookup = live?.lookup(balancer);
    lookup?.pending?.step(() => false);
    return Array.from({ length: 100 }, (_, i) => {
      return lookup?.pick({ high: i * 7_919, low: i * 104_729 }, 0, () => 0).endpoint.address;
    });
  });
  expect(atStart).toEqual(later);
});
