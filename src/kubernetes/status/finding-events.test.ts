// Which findings become Events, and what such an Event says.
import { expect, test } from "vitest";
import type { Translation } from "../../dialects/translation.ts";
import type { Condition, Finding, ObjectRef, ObjectStatus } from "../../model/index.ts";
import { eventName, findingEvent, findingsForEvents } from "./finding-events.ts";

const SERVICE: ObjectRef = { group: "", kind: "Service", namespace: "shop", name: "cart" };
const ROUTE: ObjectRef = {
  group: "gateway.networking.k8s.io",
  kind: "HTTPRoute",
  namespace: "shop",
  name: "shop",
};
const POLICY: ObjectRef = { group: "limpet.dev", kind: "AffinityPolicy", namespace: "shop", name: "carts" };
const RULE: ObjectRef = {
  group: "networking.istio.io",
  kind: "DestinationRule",
  namespace: "shop",
  name: "cart",
};
const GATEWAY: ObjectRef = {
  group: "gateway.networking.k8s.io",
  kind: "Gateway",
  namespace: "shop",
  name: "edge",
};
const ACCEPTED: Condition = { type: "Accepted", status: "True", reason: "Accepted", message: "" };

function about(object: ObjectRef, severity: Finding["severity"] = "warning"): Finding {
  const text = { message: "it has no effect", expected: "nothing", hint: "remove it" };
  return { code: "field-ignored", severity, object, path: "spec.field", ...text };
}

function status(object: ObjectRef, over: Partial<ObjectStatus> = {}): ObjectStatus {
  return { object, conditions: [ACCEPTED], ...over };
}

function chosen(
  findings: readonly Finding[],
  statuses: readonly ObjectStatus[] = [],
): (string | undefined)[] {
  const snapshot = { listeners: [], routes: [], tlsRoutes: [], backends: [] };
  const translation: Translation = { snapshot, statuses, findings, gateways: [] };
  return findingsForEvents(translation).map(({ object }) => object?.kind);
}

const parents = [{ parent: GATEWAY, conditions: [ACCEPTED] }];

test("what no condition tells becomes an Event", () => {
  expect(chosen([about(SERVICE)])).toEqual(["Service"]);
  expect(chosen([about(POLICY, "error")])).toEqual(["AffinityPolicy"]);
  expect(chosen([about(POLICY, "error")], [status(POLICY, { parents: [] })])).toEqual(["AffinityPolicy"]);
});

test("what a condition tells becomes none, and neither does what is only worth knowing", () => {
  expect(chosen([about(POLICY)], [status(POLICY, { parents })])).toEqual([]);
  expect(chosen([about(ROUTE)], [status(ROUTE, { parents })])).toEqual([]);
  expect(chosen([about(GATEWAY)], [status(GATEWAY)])).toEqual([]);
  expect(chosen([about(SERVICE, "info")])).toEqual([]);
});

test("objects of other controllers get none, unless a Gateway of ours uses them", () => {
  expect(chosen([about(ROUTE), about(GATEWAY), about(RULE)])).toEqual([]);
  expect(chosen([about(RULE)], [status(RULE, { parents: [] })])).toEqual([]);
  expect(chosen([about(RULE)], [status(RULE, { parents })])).toEqual(["DestinationRule"]);
});

test("an Event names the object, its version and what to write instead", () => {
  const metadata = { name: "cart", namespace: "shop", uid: "u1", resourceVersion: "7" };
  const finding = { ...about(SERVICE), code: "backend-approximated" } as const;
  const name = eventName(finding, SERVICE, "u1");
  const context = {
    object: SERVICE,
    name,
    controllerName: "limpet.dev/gateway",
    identity: "limpet-1",
    nowMs: 0,
  };
  expect(findingEvent(finding, { apiVersion: "v1", kind: "Service", metadata }, context)).toEqual({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: "shop" },
    eventTime: "1970-01-01T00:00:00.000000Z",
    reportingController: "limpet.dev/gateway",
    reportingInstance: "limpet-1",
    action: "Translate",
    reason: "BackendApproximated",
    regarding: { apiVersion: "v1", kind: "Service", ...metadata },
    note: "spec.field: it has no effect (expected nothing; remove it)",
    type: "Warning",
  });
});

test("an Event's name is that of what it tells", () => {
  const name = eventName(about(SERVICE), SERVICE, "u1");
  expect(name).toMatch(/^cart\.[0-9a-f]{16}$/);
  expect(eventName(about(SERVICE), SERVICE, "u1")).toBe(name);
  expect(eventName(about(SERVICE), SERVICE, "u2")).not.toBe(name);
  expect(eventName({ ...about(SERVICE), path: "spec.other" }, SERVICE, "u1")).not.toBe(name);
  expect(eventName(about(SERVICE), { ...SERVICE, name: "x".repeat(253) }, "u1").length).toBeLessThan(253);
});

test("a note is no longer than the API server takes", () => {
  const metadata = { name: "cart", namespace: "shop", uid: "u1" };
  const finding = { ...about(SERVICE), message: "é".repeat(2000) };
  const context = {
    object: SERVICE,
    name: "e",
    controllerName: "limpet.dev/gateway",
    identity: "i",
    nowMs: 0,
  };
  const { note } = findingEvent(finding, { apiVersion: "v1", kind: "Service", metadata }, context);
  expect(note).toMatch(/^spec\.field: é{100,}…$/);
  expect(Buffer.byteLength(note as string)).toBeLessThanOrEqual(1024);
});
