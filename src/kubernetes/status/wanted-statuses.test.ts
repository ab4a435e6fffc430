// What makes a wanted status another one, and that everything stays the same object where nothing does.
import { expect, test } from "vitest";
import type { Resource } from "../../dialects/translation.ts";
import type { Finding, ObjectRef, ObjectStatus } from "../../model/index.ts";
import { wantedStatuses } from "./wanted-statuses.ts";

const GROUP = "gateway.networking.k8s.io";
const ROUTES = ["cart", "shop"].map((name) => ({ group: GROUP, kind: "HTTPRoute", namespace: "shop", name }));
const STATUSES: readonly ObjectStatus[] = ROUTES.map((object) => ({ object, conditions: [] }));
const SLICE = { group: "discovery.k8s.io", kind: "EndpointSlice", namespace: "shop", name: "cart-1" };

function resource(object: ObjectRef): Resource {
  const { group, kind } = object;
  return { apiVersion: `${group}/v1`, kind, object, value: {}, position: () => undefined };
}

function finding(object: ObjectRef): Finding {
  return {
    severity: "warning",
    code: "unknown-field",
    object,
    path: "spec.x",
    message: "",
    expected: "",
    hint: "",
  };
}

const RESOURCES = [...ROUTES, SLICE].map(resource);

function report(
  resources: readonly Resource[],
  statuses: readonly ObjectStatus[] = STATUSES,
  findings: readonly Finding[] = [],
) {
  const snapshot = { listeners: [], routes: [], tlsRoutes: [], backends: [] };
  return { resources, translation: { snapshot, statuses, findings, gateways: [] } };
}

const before = wantedStatuses(report(RESOURCES), new Map());

test("a slice that changes leaves the very map", () => {
  const others = [...RESOURCES.slice(0, -1), resource(SLICE)];
  expect(wantedStatuses(report(others), before)).toBe(before);
});

test.each([
  ["its object", report([resource(ROUTES[0] as ObjectRef), ...RESOURCES.slice(1)])],
  ["its status", report(RESOURCES, [{ ...STATUSES[0] } as ObjectStatus, ...STATUSES.slice(1)])],
  ["a finding about it", report(RESOURCES, STATUSES, [finding(ROUTES[0] as ObjectRef)])],
])("%s that changes makes one another, and leaves the other", (_, changed) => {
  const after = wantedStatuses(changed, before);
  const same = [...after].filter(([key, one]) => before.get(key) === one);
  expect(same.map(([, { status }]) => status.object.name)).toEqual(["shop"]);
});

test("one that is wanted no more is missing", () => {
  expect([...wantedStatuses(report(RESOURCES, STATUSES.slice(1)), before).values()]).toEqual([
    before.get(`${GROUP}/HTTPRoute/shop/shop`),
  ]);
});
