// Who drains since when: operators' words, first sights, and endpoints that are others than they seem.
import { describe, expect, test } from "vitest";
import { backendOf, endpointAt } from "../../test/support/affinity.ts";
import type { Endpoint } from "../model/index.ts";
import { Drains } from "./drains.ts";

const A = "10.0.0.1:80";
const MINUTE_MS = 60_000;

function pod(uid: string | undefined, over: Partial<Endpoint> = {}): Endpoint {
  return endpointAt(A, { ...(uid === undefined ? {} : { uid }), ...over });
}

describe("operators' words", () => {
  test("hold for the endpoint that was meant, and not for one that gets its address", () => {
    const drains = new Drains();
    drains.order([pod("one")], 1_000);
    expect(drains.sinceMs(pod("one"), 5_000)).toBe(1_000);
    expect(drains.sinceMs(pod("another"), 5_000)).toBeUndefined();
    expect(drains.concerns(backendOf("b", [pod("another")]))).toBe(false);
  });

  test("without a uid the name tells one from another", () => {
    const drains = new Drains();
    drains.order([pod(undefined, { hostname: "carts-0" })], 1_000);
    expect(drains.isOrdered(pod(undefined, { hostname: "carts-0" }))).toBe(true);
    expect(drains.isOrdered(pod(undefined, { hostname: "carts-7" }))).toBe(false);
    expect(drains.isOrdered(pod(undefined))).toBe(true);
  });

  test("said twice they count from the first time", () => {
    const drains = new Drains();
    drains.order([pod("one")], 1_000);
    drains.order([pod("one")], 9_000);
    expect(drains.sinceMs(pod("one"), 9_000)).toBe(1_000);
  });

  test("are over when they are taken back", () => {
    const drains = new Drains();
    drains.order([pod("one")], 1_000);
    drains.lift([A]);
    expect(drains.sinceMs(pod("one"), 2_000)).toBeUndefined();
    expect(drains.orders).toEqual([]);
  });

  test("outlive an endpoint that is away for a moment, and not one that is away for long", () => {
    const drains = new Drains();
    drains.order([pod("one")], 0);
    const there = [backendOf("b", [pod("one")])];
    drains.retain([], MINUTE_MS);
    drains.retain(there, 9 * MINUTE_MS);
    drains.retain([], 30 * MINUTE_MS);
    drains.retain(there, 39 * MINUTE_MS);
    expect(drains.isOrdered(pod("one"))).toBe(true);
    drains.retain([], 40 * MINUTE_MS);
    drains.retain(there, 51 * MINUTE_MS);
    expect(drains.isOrdered(pod("one"))).toBe(false);
  });
});

describe("the time", () => {
  test("is what the configuration says, else when it was first seen", () => {
    const drains = new Drains();
    expect(drains.sinceMs(pod("one", { health: "draining", drainingSinceMs: 500 }), 2_000)).toBe(500);
    expect(drains.sinceMs(pod("two", { health: "draining" }), 2_000)).toBe(2_000);
    expect(drains.sinceMs(pod("two", { health: "draining" }), 7_000)).toBe(2_000);
    expect(drains.sinceMs(pod("two"), 7_000)).toBeUndefined();
  });

  test("is the earliest of all that say so", () => {
    const drains = new Drains();
    drains.order([pod("one")], 1_000);
    expect(drains.sinceMs(pod("one", { health: "draining", drainingSinceMs: 500 }), 2_000)).toBe(500);
    expect(drains.sinceMs(pod("one", { health: "draining", drainingSinceMs: 1_500 }), 2_000)).toBe(1_000);
  });

  test("begins anew for one that stopped draining meanwhile, and for one that is another", () => {
    const drains = new Drains();
    const leaving = pod("one", { health: "draining" });
    drains.sinceMs(leaving, 1_000);
    drains.retain([backendOf("b", [pod("one")])], 2_000);
    expect(drains.sinceMs(leaving, 3_000)).toBe(3_000);
    expect(drains.sinceMs(pod("two", { health: "draining" }), 4_000)).toBe(4_000);
  });

  test("passes on to a successor with everything else", () => {
    const drains = new Drains();
    const other = endpointAt("10.0.0.2:80", { health: "draining" });
    drains.order([pod("one")], 1_000);
    drains.sinceMs(other, 2_000);
    const next = new Drains(JSON.parse(JSON.stringify(drains.times)));
    expect(next.sinceMs(pod("one"), 9_000)).toBe(1_000);
    expect(next.sinceMs(other, 9_000)).toBe(2_000);
    expect(next.orders.map(({ address }) => address)).toEqual([A]);
  });
});
