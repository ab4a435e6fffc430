// Health, degradation and panic: who takes new sessions.
import { describe, expect, test } from "vitest";
import { backendOf, endpointAt, seededRandom, statesOf } from "../../test/support/affinity.ts";
import type { EndpointHealth } from "../model/index.ts";
import type { LiveBackend } from "./backend-states.ts";

function live(healths: readonly EndpointHealth[], panicThresholdPercent = 50): LiveBackend {
  const endpoints = healths.map((health, i) => endpointAt(`10.0.0.${i}:80`, { health }));
  return statesOf(backendOf("b", endpoints, { panicThresholdPercent })).get("b") as LiveBackend;
}

function servingHealths({ serving }: LiveBackend): EndpointHealth[] {
  return serving.endpoints.map(({ endpoint }) => endpoint.health);
}

function servingAddresses({ serving }: LiveBackend): string[] {
  return serving.endpoints.map(({ endpoint }) => endpoint.address);
}

describe("who serves", () => {
  test("unknown and healthy do, the others do not", () => {
    const { serving } = live(["unknown", "healthy", "unhealthy", "healthy", "timeout", "healthy"]);
    expect(serving.endpoints.map(({ endpoint }) => endpoint.health)).toEqual([
      "unknown",
      "healthy",
      "healthy",
      "healthy",
    ]);
    expect(serving.panic).toBe(false);
  });

  test("below the threshold it is panic and all serve", () => {
    const backend = live(["healthy", "unhealthy", "unhealthy"]);
    expect(backend.serving.panic).toBe(true);
    expect(servingHealths(backend)).toEqual(["healthy", "unhealthy", "unhealthy"]);
  });

  test("at the threshold it is not", () => {
    expect(live(["healthy", "unhealthy"]).serving.panic).toBe(false);
  });

  test("a threshold of 0 rules panic out, even where nobody serves", () => {
    const { serving } = live(["unhealthy", "unhealthy"], 0);
    expect(serving).toMatchObject({ panic: false, endpoints: [] });
  });

  test("a high threshold does not count where what is left can carry everything, as in Envoy", () => {
    expect(live(["healthy", "healthy", "healthy", "unhealthy"], 90).serving.panic).toBe(false);
  });

  test("draining endpoints take nothing new, and scaling down is no panic", () => {
    const backend = live(["healthy", "draining", "draining", "draining"]);
    expect(backend.serving.panic).toBe(false);
    expect(servingHealths(backend)).toEqual(["healthy"]);
  });

  test("draining endpoints serve where nobody else is left", () => {
    const backend = live(["draining", "draining"]);
    expect(servingHealths(backend)).toEqual(["draining", "draining"]);
  });

  test("endpoints that have just arrived take nothing new while somebody else serves", () => {
    const arriving = endpointAt("10.0.1.1:80", { health: "healthy", arrivingSinceMs: 1_000 });
    const beside = (health: EndpointHealth) =>
      statesOf(backendOf("b", [endpointAt("10.0.0.1:80", { health }), arriving])).get("b") as LiveBackend;
    expect(servingAddresses(beside("healthy"))).toEqual(["10.0.0.1:80"]);
    expect(servingAddresses(beside("degraded"))).toEqual(["10.0.0.1:80"]);
    expect(servingAddresses(beside("draining"))).toEqual(["10.0.1.1:80"]);
    expect(servingAddresses(beside("unhealthy"))).toEqual(["10.0.1.1:80"]);
  });

  test("where all have just arrived, the latest wait for those before", () => {
    const arriving = (...sinceMs: readonly number[]) => {
      const all = sinceMs.map((arrivingSinceMs, index) =>
        endpointAt(`10.0.1.${index}:80`, { health: "healthy", arrivingSinceMs }),
      );
      const leaving = endpointAt("10.0.0.1:80", { health: "draining" });
      return servingAddresses(statesOf(backendOf("b", [leaving, ...all])).get("b") as LiveBackend);
    };
    expect(arriving(1_000, 1_400, 1_900)).toEqual(["10.0.1.0:80", "10.0.1.1:80"]);
    expect(arriving(1_000, 1_400)).toEqual(["10.0.1.0:80", "10.0.1.1:80"]);
    expect(arriving(5_000)).toEqual(["10.0.1.0:80"]);
  });

  test("a backend without endpoints is no panic", () => {
    expect(live([]).serving).toMatchObject({ panic: false, endpoints: [] });
  });

  test("degraded endpoints serve where nobody is healthy", () => {
    const backend = live(["degraded", "unhealthy"]);
    expect(servingHealths(backend)).toEqual(["degraded"]);
  });
});

describe("degraded endpoints", () => {
  test("get Envoy's share of plain balancing: 60 to 20 of 80", () => {
    const backend = live(["unknown", "unhealthy", "degraded", "unhealthy", "unknown", "timeout", "healthy"]);
    expect(backend.serving.percent).toBe(75);
    const lookup = backend.lookup({ kind: "random" });
    const random = seededRandom(1);
    const hash = { high: 0, low: 0 };
    const degraded = Array.from({ length: 4000 }, () => lookup.pick(hash, 0, random)).filter(
      ({ endpoint }) => endpoint.health === "degraded",
    ).length;
    expect(degraded / 4000).toBeCloseTo(0.25, 1);
  });

  test("get nothing where the healthy ones suffice", () => {
    expect(live(["healthy", "healthy", "healthy", "degraded"]).serving).toMatchObject({
      percent: 100,
      degraded: [],
    });
  });
});
