// What the status says of listeners that this process could not bind.
import { expect, test } from "vitest";
import type { Condition, ObjectStatus } from "../model/index.ts";
import { withUnbound } from "./unbound-listeners.ts";

const GATEWAY = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "shop", name: "edge" };
const PROGRAMMED: Condition = { type: "Programmed", status: "True", reason: "Programmed", message: "served" };

function gateway(...names: string[]): ObjectStatus {
  const listeners = names.map((name) => ({
    name,
    attachedRoutes: 1,
    supportedKinds: ["HTTPRoute"],
    conditions: [PROGRAMMED],
  }));
  return { object: GATEWAY, conditions: [PROGRAMMED], listeners };
}

function programmed(status: ObjectStatus | undefined): string[] {
  const all = [status, ...(status?.listeners ?? [])];
  return all.map((one) => one?.conditions.map(({ status, reason }) => `${status} ${reason}`).join() ?? "");
}

test("a listener that is not bound is not programmed, and its Gateway is while another one is", () => {
  const unbound = new Map([["Gateway/shop/edge/https", "cannot listen on 10.0.0.1:443: the port is taken"]]);
  const [status] = withUnbound([gateway("http", "https")], unbound);
  expect(programmed(status)).toEqual(["True Programmed", "True Programmed", "False Invalid"]);
  expect(status?.listeners?.[1]?.conditions[0]?.message).toContain("the port is taken");
});

test("a Gateway without a bound listener has an address that cannot be used", () => {
  const unbound = new Map([["Gateway/shop/edge/http", "cannot listen on 10.0.0.1:80: no such address"]]);
  const [status] = withUnbound([gateway("http")], unbound);
  expect(programmed(status)).toEqual(["False AddressNotUsable", "False Invalid"]);
});

test("statuses of others stay the same objects", () => {
  const statuses = [gateway("http")];
  expect(withUnbound(statuses, new Map())).toBe(statuses);
  expect(withUnbound(statuses, new Map([["Gateway/shop/other/http", "taken"]]))[0]).toBe(statuses[0]);
});
