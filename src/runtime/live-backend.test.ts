// How names, verdicts and slow starts become endpoints.
import { expect, test } from "vitest";
import { backendOf, endpointAt } from "../../test/support/affinity.ts";
import type { Verdict } from "../dataplane/health/health-watch.ts";
import type { Backend, EndpointHealth } from "../model/index.ts";
import { judge, type Knowledge, resolveNames } from "./live-backend.ts";

const names = [{ host: "carts.example", port: 8080, weight: 2 }];

test("every address of a name is an endpoint of its weight, in the order of address bytes", () => {
  const backend = backendOf("b", ["10.0.0.9:8080"], { names });
  const { endpoints } = resolveNames(backend, () => ["2001:db8::1", "10.0.0.10", "10.0.0.9", "9.0.0.1"]);
  expect(endpoints.map(({ address, weight, hostname }) => [address, weight, hostname])).toEqual([
    ["9.0.0.1:8080", 2, "carts.example"],
    ["10.0.0.9:8080", 1, undefined],
    ["10.0.0.10:8080", 2, "carts.example"],
    ["[2001:db8::1]:8080", 2, "carts.example"],
  ]);
});

test("a backend without names is the very same object", () => {
  const backend = backendOf("b", ["10.0.0.1:80"]);
  expect(resolveNames(backend, () => ["10.0.0.2"])).toBe(backend);
});

const NOTHING: Knowledge = {
  verdict: undefined,
  slowStartSinceMs: undefined,
  arrivingSinceMs: undefined,
  drainingSinceMs: undefined,
};

function judged(health: EndpointHealth, verdict: Verdict | undefined): Backend {
  const backend = backendOf("b", [endpointAt("10.0.0.1:80", { health })]);
  return judge(backend, () => ({ ...NOTHING, verdict }));
}

test.each([
  ["unknown", "pending", ["unhealthy"]],
  ["healthy", "failed", ["unhealthy"]],
  ["degraded", "ejected", ["unhealthy"]],
  ["healthy", undefined, ["healthy"]],
  ["unhealthy", undefined, ["unhealthy"]],
  ["unhealthy", "failed", ["unhealthy"]],
] as const)("%s with the verdict %s is served as %j", (health, verdict, expected) => {
  expect(judged(health, verdict).endpoints.map((endpoint) => endpoint.health)).toEqual(expected);
});

test("slow start and arrival are written to those that serve, and a backend that nothing is said about stays the same object", () => {
  const backend = backendOf("b", ["10.0.0.1:80", "10.0.0.2:80"]);
  const slow = judge(backend, ({ address }) => ({
    ...NOTHING,
    slowStartSinceMs: address === "10.0.0.2:80" ? 5_000 : undefined,
  }));
  expect(slow.endpoints.map(({ slowStartSinceMs }) => slowStartSinceMs)).toEqual([undefined, 5_000]);
  const arriving = judge(backend, ({ address }) => ({
    ...NOTHING,
    verdict: address === "10.0.0.1:80" ? "failed" : undefined,
    arrivingSinceMs: 5_000,
  }));
  expect(arriving.endpoints.map(({ arrivingSinceMs }) => arrivingSinceMs)).toEqual([undefined, 5_000]);
  expect(judge(backend, () => NOTHING)).toBe(backend);
});

test.each([
  ["healthy", undefined, ["draining"]],
  ["draining", undefined, ["draining"]],
  ["draining", "pending", ["draining"]],
  // It was about to leave, and has left: counted as ill it would make a scale-down look like panic.
  ["draining", "failed", []],
  ["healthy", "ejected", []],
] as const)("%s that drains, with the verdict %s, is served as %j", (health, verdict, expected) => {
  const backend = backendOf("b", [endpointAt("10.0.0.1:80", { health })]);
  const { endpoints } = judge(backend, () => ({ ...NOTHING, verdict, drainingSinceMs: 7_000 }));
  expect(endpoints.map((endpoint) => endpoint.health)).toEqual(expected);
  for (const endpoint of endpoints) expect(endpoint.drainingSinceMs).toBe(7_000);
});

test("an endpoint that is known to drain since then stays the same object", () => {
  const backend = backendOf("b", [endpointAt("10.0.0.1:80", { health: "draining", drainingSinceMs: 7_000 })]);
  expect(judge(backend, () => ({ ...NOTHING, drainingSinceMs: 7_000 }))).toBe(backend);
});
