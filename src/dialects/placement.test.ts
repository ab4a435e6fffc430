// Gateways that somebody places: where their listeners are bound, what their conditions say, and what stays the same object.
import { expect, test } from "vitest";
import { parse } from "yaml";
import { objectText } from "../model/index.ts";
import { type GatewayPlacement, NOWHERE, type PlaceGateways } from "./gateway-api/placement.ts";
import { translate } from "./translate.ts";
import type { Resource } from "./translation.ts";

function gateway(name: string, createdSec: number, spec = ""): Resource {
  const text = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: shop, name: ${name}, creationTimestamp: "2026-01-01T00:00:0${createdSec}Z"}
spec:
  gatewayClassName: any
  listeners: [{name: http, port: 80, protocol: HTTP}, {name: more, port: 8080, protocol: HTTP}]
  ${spec}
`;
  const object = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "shop", name };
  const value = parse(text);
  return { apiVersion: value.apiVersion, kind: "Gateway", object, value, position: () => undefined };
}

const at = (ports: Record<number, number>, more: Partial<GatewayPlacement> = {}): GatewayPlacement => ({
  ...NOWHERE,
  bindPorts: new Map(Object.entries(ports).map(([port, bindPort]) => [Number(port), bindPort])),
  ...more,
});

const placeAs =
  (placements: Record<string, GatewayPlacement>): PlaceGateways =>
  (gateways) =>
    gateways.map((needs) => placements[needs.gateway.name] ?? NOWHERE);

function bound(translation: ReturnType<typeof translate>) {
  return translation.snapshot.listeners.map(({ id, addresses, port, bindPort = port }) => [
    id,
    ...addresses,
    port,
    bindPort,
  ]);
}

function conditions({ statuses }: ReturnType<typeof translate>, name: string): string[] {
  const { conditions = [] } = statuses.find(({ object }) => object.name === name) ?? {};
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

test("all Gateways are placed together, oldest first, with what each needs", () => {
  const asked: unknown[] = [];
  const place: PlaceGateways = (gateways) => {
    asked.push(...gateways);
    return gateways.map(() => NOWHERE);
  };
  const infrastructure = `infrastructure: {labels: {team: cart}, parametersRef: {group: "", kind: ConfigMap, name: p}}`;
  translate([gateway("young", 2, infrastructure), gateway("old", 1, "addresses: [{value: 192.0.2.1}]")], {
    place,
  });
  expect(asked).toMatchObject([
    {
      gateway: { name: "old" },
      ports: [80, 8080],
      addresses: [{ type: "IPAddress", value: "192.0.2.1" }],
      infrastructure: { labels: {}, annotations: {} },
    },
    {
      gateway: { name: "young" },
      infrastructure: { labels: { team: "cart" }, parametersRef: { kind: "ConfigMap", name: "p" } },
    },
  ]);
});

test("listeners with one port are apart where they are bound apart, and a port without a place waits", () => {
  const translation = translate([gateway("one", 1), gateway("two", 2)], {
    place: placeAs({ one: at({ 80: 20_000, 8080: 20_001 }), two: at({ 80: 20_002 }) }),
  });
  expect(bound(translation)).toEqual([
    ["Gateway/shop/one/http", 80, 20_000],
    ["Gateway/shop/one/more", 8080, 20_001],
    ["Gateway/shop/two/http", 80, 20_002],
  ]);
  expect(conditions(translation, "two")).toEqual(["Accepted True Accepted", "Programmed True Programmed"]);
  const two = translation.statuses.find(({ object }) => object.name === "two");
  expect(
    two?.listeners?.[1]?.conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
  ).toEqual(expect.arrayContaining(["Accepted True Accepted", "Programmed False Pending"]));
  expect(translation.findings).toEqual([]);
});

test("of two that were placed at one port the older has it, whatever ports clients see", () => {
  const translation = translate([gateway("one", 1), gateway("two", 2)], {
    place: placeAs({ one: at({ 80: 20_000 }), two: at({ 8080: 20_000 }) }),
  });
  expect(bound(translation)).toEqual([["Gateway/shop/one/http", 80, 20_000]]);
});

test("a problem is told in the conditions, and as a finding where its author can mend it", () => {
  const problem = { condition: "Accepted", reason: "UnsupportedAddress", message: "no such thing" } as const;
  const remedy = { path: ["spec", "addresses"], expected: "another", hint: "write another" };
  const waiting = { condition: "Programmed", reason: "AddressNotAssigned", message: "not yet" } as const;
  const translation = translate([gateway("one", 1), gateway("two", 2)], {
    place: placeAs({
      one: { ...NOWHERE, problem: { ...problem, remedy } },
      two: at({ 80: 20_000 }, { problem: waiting }),
    }),
  });
  expect(conditions(translation, "one")).toEqual([
    "Accepted False UnsupportedAddress",
    "Programmed False Invalid",
  ]);
  expect(conditions(translation, "two")).toEqual([
    "Accepted True Accepted",
    "Programmed False AddressNotAssigned",
  ]);
  expect(bound(translation)).toHaveLength(1);
  expect(translation.findings).toMatchObject([
    { code: "gateway-not-served", object: { name: "one" }, message: "no such thing", hint: "write another" },
  ]);
});

test("addresses that cannot be read open nothing, wherever the Gateway was placed", () => {
  const translation = translate([gateway("one", 1, "addresses: [{value: 5}]")], {
    place: placeAs({ one: at({ 80: 20_000 }) }),
  });
  expect(bound(translation)).toEqual([]);
});

test("what is placed as before stays the same object, and nobody else's change touches it", () => {
  const resources = [gateway("one", 1), gateway("two", 2)];
  const first = translate(resources, {
    place: placeAs({ one: at({ 80: 20_000 }), two: at({ 80: 20_001 }) }),
  });
  const second = translate(
    resources,
    { place: placeAs({ one: at({ 80: 20_000 }), two: at({ 80: 20_001 }) }) },
    first.memory,
  );
  expect(second.snapshot.listeners).toBe(first.snapshot.listeners);
  expect(second.statuses[0]).toBe(first.statuses[0]);
  const addresses = [{ type: "IPAddress", value: "203.0.113.7" }];
  const third = translate(
    resources,
    { place: placeAs({ one: at({ 80: 20_000 }, { addresses }), two: at({ 80: 20_001 }) }) },
    second.memory,
  );
  expect(third.statuses.find(({ object }) => object.name === "one")?.addresses).toEqual(addresses);
  expect(third.snapshot.listeners.map(({ gateway: by }) => objectText(by))).toEqual([
    "Gateway/shop/one",
    "Gateway/shop/two",
  ]);
});
