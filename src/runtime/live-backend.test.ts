// How names, verdicts and slow starts become endpoints.
import { expect, test } from "vitest";
import { backendOf, endpointAt } from "../../test/support/affinity.ts";
import type { Verdict } from "../dataplane/health/health-watch.ts";
import type { Backend, EndpointHealth } from "../model/index.ts";
import { judge, resolveNames } from "./live-backend.ts";

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

function judged(health: EndpointHealth, verdict: Verdict | undefined): Backend {
  const backend = backendOf("b", [endpointAt("10.0.0.1:80", { health })]);
  return judge(backend, () => ({ verdict, slowStartSinceMs: undefined }));
}

test.each([
  ["unknown", "pending", ["unhealthy"]],
  ["healthy", "failed", ["unhealthy"]],
  ["degraded", "ejected", ["unhealthy"]],
  ["healthy", undefined, ["healthy"]],
  ["unhealthy", undefined, ["unhealthy"]],
  ["draining", undefined, ["draining"]],
  ["draining", "pending", ["draining"]],
  ["draining", "failed", []],
] as const)("%s with the verdict %s is served as %j", (health, verdict, expected) => {
  expect(judged(health, verdict).endpoints.map((endpoint) => endpoint.health)).toEqual(expected);
});

test("slow start is written to those that serve, and a backend that nothing is said about stays the same object", () => {
  const backend = backendOf("b", ["10.0.0.1:80", "10.0.0.2:80"]);
  const slow = judge(backend, ({ address }) => ({
    verdict: undefined,
    slowStartSinceMs: address === "10.0.0.2:80" ? 5_000 : undefined,
  }));
  expect(slow.endpoints.map(({ slowStartSinceMs }) => slowStartSinceMs)).toEqual([undefined, 5_000]);
  expect(judge(backend, () => ({ verdict: undefined, slowStartSinceMs: undefined }))).toBe(backend);
});
