// Statuses on a real API server with the real CRDs: what is translated stands there, and what others wrote stays.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";
import { CONTROLLER, find, isAccepted, ours, StatusWorld } from "./status-world.ts";

const MANIFESTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: limpet}
spec: {controllerName: ${CONTROLLER}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: other}
spec: {controllerName: example.com/other}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners:
    - {name: http, port: 80, protocol: HTTP}
    - {name: odd, port: 81, protocol: example.com/ODD}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: elsewhere}
spec:
  gatewayClassName: other
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}], selector: {app: cart}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}, {name: elsewhere}]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: astray}
spec:
  parentRefs: [{name: edge, sectionName: http, namespace: default}]
  rules: [{backendRefs: [{name: nowhere, port: 80}]}]
---
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: carts}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}]
  session: {cookie: {name: home}}
`;

let cluster: Cluster;
let world: StatusWorld;

beforeAll(async () => {
  cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    crds: ["crds/limpet.dev_affinitypolicies.yaml"],
  });
  world = await StatusWorld.start(cluster);
});

afterAll(async () => {
  await world?.stop();
  await cluster?.stop();
});

async function writeStatus(object: KubernetesObject, status: object): Promise<void> {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const text = JSON.stringify({ ...object, metadata, status });
  await cluster.kubectl(["replace", "--subresource=status", "-f", "-"], text);
}

test("classes, Gateways, listeners, routes and policies get theirs, as the CRDs want them", async () => {
  await cluster.kubectl(["apply", "-f", "-"], MANIFESTS);
  const { status: limpet } = await world.statusOf("gatewayclass", "limpet", isAccepted);
  expect(limpet.supportedFeatures).toContainEqual({ name: "HTTPRoute" });
  const { metadata, status: edge } = await world.statusOf(
    "gateway",
    "edge",
    ({ listeners }) => listeners?.length === 2,
  );
  expect(edge.listeners?.map(({ name, conditions }) => [name, find(conditions, "Accepted")?.status])).toEqual(
    [
      ["http", "True"],
      ["odd", "False"],
    ],
  );
  expect(find(edge.listeners?.[1]?.conditions, "Accepted")?.message).toContain("spec.listeners[1]");
  const { status: shop } = await world.statusOf(
    "httproute",
    "shop",
    ({ parents }) => ours(parents).length === 1,
  );
  expect(shop.parents?.[0]?.parentRef).toEqual({
    group: "gateway.networking.k8s.io",
    kind: "Gateway",
    name: "edge",
  });
  expect(find(shop.parents?.[0]?.conditions, "Accepted")).toMatchObject({
    status: "True",
    observedGeneration: 1,
  });
  const { status: carts } = await world.statusOf(
    "affinitypolicy",
    "carts",
    ({ ancestors }) => ours(ancestors).length === 1,
  );
  expect(find(carts.ancestors?.[0]?.conditions, "Accepted")?.status).toBe("True");
  expect(find(edge.conditions, "Accepted")?.observedGeneration).toBe(metadata.generation);
});

test("what is another controller's gets nothing", async () => {
  await world.statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 1);
  const elsewhere = await world.get("gateway", "elsewhere");
  expect(find(elsewhere.status.conditions, "Accepted")).toMatchObject({
    status: "Unknown",
    reason: "Pending",
  });
  const other = await world.get("gatewayclass", "other");
  expect(find(other.status.conditions, "Accepted")).toMatchObject({ status: "Unknown" });
});

test("a condition says which field is wrong, and what to write instead", async () => {
  const { status } = await world.statusOf("httproute", "astray", ({ parents }) => ours(parents).length === 1);
  const resolved = find(status.parents?.[0]?.conditions, "ResolvedRefs");
  expect(resolved).toMatchObject({ status: "False", reason: "BackendNotFound" });
  expect(resolved?.message).toMatch(/^spec\.rules\[0\]\.backendRefs\[0\].*: .+\(expected .+; .+\)$/);
});

test("a new generation is said to be seen, and a time changes only with its status", async () => {
  const before = await world.statusOf("gateway", "edge", isAccepted);
  // Times are in whole seconds.
  const writtenMs = Date.parse(find(before.status.conditions, "Accepted")?.lastTransitionTime ?? "");
  await until(() => Date.now() - writtenMs > 1000, "the next second");
  const patch = JSON.stringify({
    metadata: { labels: { a: "b" } },
    spec: { infrastructure: { labels: { a: "b" } } },
  });
  await cluster.kubectl(["patch", "gateway", "edge", "--type=merge", "-p", patch]);
  const after = await world.statusOf("gateway", "edge", ({ conditions, listeners }) =>
    [conditions, ...(listeners ?? []).map((one) => one.conditions)].every((list) =>
      list?.every(({ observedGeneration }) => observedGeneration === 2),
    ),
  );
  expect(find(after.status.conditions, "Accepted")?.lastTransitionTime).toBe(
    find(before.status.conditions, "Accepted")?.lastTransitionTime,
  );
});

test("others' conditions and entries stay, and ours come back when somebody wipes them", async () => {
  const foreign = {
    type: "example.com/Audited",
    status: "True",
    reason: "Seen",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  await writeStatus(await world.get("gateway", "edge"), { conditions: [foreign] });
  const { status } = await world.statusOf("gateway", "edge", isAccepted);
  expect(status.conditions).toContainEqual(foreign);
  const entry = {
    controllerName: "example.com/other",
    parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "elsewhere" },
    conditions: [{ ...foreign, type: "Accepted" }],
  };
  await writeStatus(await world.get("httproute", "shop"), { parents: [entry] });
  const shop = await world.statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 1);
  expect(shop.status.parents?.[0]).toEqual(entry);
  await cluster.kubectl([
    "patch",
    "httproute",
    "shop",
    "--type=json",
    "-p",
    '[{"op": "remove", "path": "/spec/parentRefs/0"}]',
  ]);
  const gone = await world.statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 0);
  expect(gone.status.parents).toEqual([entry]);
});

test("nothing is written of what did not change", async () => {
  const versions = async () => {
    const all = ["get", "gatewayclasses,gateways,httproutes,affinitypolicies", "-o", "json"];
    const { items } = JSON.parse(await cluster.kubectl(all)) as { items: KubernetesObject[] };
    const others = items.filter(({ metadata }) => metadata.name !== "marker");
    return others.map(({ kind, metadata }) => [kind, metadata.name, metadata.resourceVersion]);
  };
  await until(
    () => world.writer.samples().every(({ name, value }) => !name.endsWith("_waiting") || value === 0),
    "all written",
  );
  const before = await versions();
  world.translateAndReport();
  await cluster.kubectl(["annotate", "service", "cart", "a=b"]);
  const marker = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: marker}
spec: {gatewayClassName: limpet, listeners: [{name: http, port: 8080, protocol: HTTP}]}
`;
  await cluster.kubectl(["apply", "-f", "-"], marker);
  await world.statusOf("gateway", "marker", isAccepted);
  expect(await versions()).toEqual(before);
});

test("what no condition tells is an Event", async () => {
  await cluster.kubectl(
    ["apply", "-f", "-"],
    `
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: nowhere}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: nobody}]
  session: {cookie: {name: home}}
`,
  );
  const event = await until(async () => {
    const args = ["get", "events", "--field-selector", "involvedObject.name=nowhere", "-o", "json"];
    const { items } = JSON.parse(await cluster.kubectl(args)) as { items: Record<string, unknown>[] };
    return items[0];
  }, "an Event");
  expect(event).toMatchObject({
    reason: "TargetNotFound",
    type: "Warning",
    involvedObject: { kind: "AffinityPolicy" },
  });
  expect(event["message"]).toContain("spec.targetRefs[0]");
});
