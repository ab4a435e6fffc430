// Whose word counts where policies at a rule, a route, a listener and a Gateway speak of backends.
import { expect, test } from "vitest";
import type { RouteBackends } from "../policies/attachment.ts";
import { backendFor, backendIdFor, backendsInForce } from "./route-backends.ts";

const object = { group: "", kind: "Service", namespace: "default", name: "carts" };
const ID = "Service/default/carts:80";

function policy(name: string, settings: RouteBackends["settings"], merges = false): RouteBackends {
  return { name, settings, merges };
}

const GATEWAYS = policy("edge/wide", { connectTimeoutMs: 1, idleTimeoutMs: 1 });

test("a narrower policy hides a wider one", () => {
  const narrow = policy("default/narrow", { connectTimeoutMs: 2 });
  expect(backendsInForce(narrow, GATEWAYS)).toBe(narrow);
  expect(backendsInForce(undefined, GATEWAYS)).toBe(GATEWAYS);
});

test("one that merges takes what it leaves open from the wider one, and both stand in the id", () => {
  const inForce = backendsInForce(policy("default/narrow", { connectTimeoutMs: 2 }, true), GATEWAYS);
  expect(inForce?.settings).toEqual({ connectTimeoutMs: 2, idleTimeoutMs: 1 });
  expect(backendIdFor(ID, inForce)).toBe(`${ID}#default/narrow+edge/wide`);
});

test("one that merges and says nothing leaves the wider one as it is", () => {
  expect(backendsInForce(policy("default/narrow", {}, true), GATEWAYS)).toBe(GATEWAYS);
});

test("a policy that says nothing of backends leaves them as they are", () => {
  const backend = { id: ID, object, port: 80 };
  expect(backendFor(backend, policy("default/silent", {}))).toBe(backend);
  expect(backendFor(backend, undefined)).toBe(backend);
});
