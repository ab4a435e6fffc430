// Statuses on a real API server with the real CRDs: what is translated stands there, and what others wrote stays.
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { translate } from "../../src/dialects/translate.ts";
import { ApiClient } from "../../src/kubernetes/api/api-client.ts";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { findConnection } from "../../src/kubernetes/api/connection.ts";
import { SYSTEM_CLOCK } from "../../src/kubernetes/clock.ts";
import { StatusWriter } from "../../src/kubernetes/status/status-writer.ts";
import { ClusterWatch } from "../../src/kubernetes/watch/cluster-watch.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";

const CONTROLLER = "limpet.dev/gateway";

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

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

interface Entry {
  readonly controllerName: string;
  readonly parentRef: unknown;
  readonly ancestorRef: unknown;
  readonly conditions: readonly Condition[];
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
  readonly supportedFeatures?: readonly { readonly name: string }[];
  readonly parents?: readonly Entry[];
  readonly ancestors?: readonly Entry[];
}

let cluster: Cluster;
let watch: ClusterWatch;
let writer: StatusWriter;

beforeAll(async () => {
  cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    crds: ["crds/limpet.dev_affinitypolicies.yaml"],
  });
  const connection = await findConnection({ kubeconfig: cluster.kubeconfig, env: {}, nowMs: Date.now });
  const common = { clock: SYSTEM_CLOCK, random: Math.random, logger: pino({ level: "silent" }) };
  const client = new ApiClient({ connection, userAgent: "limpet/test", clock: SYSTEM_CLOCK });
  watch = new ClusterWatch({ ...common, client, onChange: translateAndReport });
  writer = new StatusWriter({
    ...common,
    client,
    view: watch,
    controllerName: CONTROLLER,
    identity: "test",
    mayWrite: () => true,
  });
  writer.setLeader(true);
  watch.start();
  await watch.synced;
});

afterAll(async () => {
  writer?.setLeader(false);
  await watch?.stop();
  await cluster?.stop();
});

let memory: ReturnType<typeof translate>["memory"] | undefined;

function translateAndReport(change: "resources" | "objects"): void {
  if (change === "objects") {
    writer.viewChanged();
    return;
  }
  const resources = watch.resources();
  const translation = translate(resources, { controllerName: CONTROLLER }, memory);
  memory = translation.memory;
  writer.report({ resources, translation });
}

async function get(kind: string, name: string): Promise<KubernetesObject & { readonly status: Status }> {
  return JSON.parse(await cluster.kubectl(["get", kind, name, "-o", "json"]));
}

/** The object, once its status is as `expected`. */
function statusOf(kind: string, name: string, expected: (status: Status) => boolean) {
  const ask = async () => {
    const object = await get(kind, name);
    return expected(object.status ?? {}) && object;
  };
  return until(ask, `the status of ${kind} ${name}`);
}

function find(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((one) => one.type === type);
}

function ours(entries: readonly Entry[] | undefined): readonly Entry[] {
  return (entries ?? []).filter(({ controllerName }) => controllerName === CONTROLLER);
}

const isAccepted = ({ conditions }: Pick<Status, "conditions">) =>
  find(conditions, "Accepted")?.status === "True";

async function writeStatus(object: KubernetesObject, status: object): Promise<void> {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const text = JSON.stringify({ ...object, metadata, status });
  await cluster.kubectl(["replace", "--subresource=status", "-f", "-"], text);
}

test("classes, Gateways, listeners, routes and policies get theirs, as the CRDs want them", async () => {
  await cluster.kubectl(["apply", "-f", "-"], MANIFESTS);
  const { status: limpet } = await statusOf("gatewayclass", "limpet", isAccepted);
  expect(limpet.supportedFeatures).toContainEqual({ name: "HTTPRoute" });
  const { metadata, status: edge } = await statusOf(
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
  const { status: shop } = await statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 1);
  expect(shop.parents?.[0]?.parentRef).toEqual({
    group: "gateway.networking.k8s.io",
    kind: "Gateway",
    name: "edge",
  });
  expect(find(shop.parents?.[0]?.conditions, "Accepted")).toMatchObject({
    status: "True",
    observedGeneration: 1,
  });
  const { status: carts } = await statusOf(
    "affinitypolicy",
    "carts",
    ({ ancestors }) => ours(ancestors).length === 1,
  );
  expect(find(carts.ancestors?.[0]?.conditions, "Accepted")?.status).toBe("True");
  expect(find(edge.conditions, "Accepted")?.observedGeneration).toBe(metadata.generation);
});

test("what is another controller's gets nothing", async () => {
  await statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 1);
  const elsewhere = await get("gateway", "elsewhere");
  expect(find(elsewhere.status.conditions, "Accepted")).toMatchObject({
    status: "Unknown",
    reason: "Pending",
  });
  const other = await get("gatewayclass", "other");
  expect(find(other.status.conditions, "Accepted")).toMatchObject({ status: "Unknown" });
});

test("a condition says which field is wrong, and what to write instead", async () => {
  const { status } = await statusOf("httproute", "astray", ({ parents }) => ours(parents).length === 1);
  const resolved = find(status.parents?.[0]?.conditions, "ResolvedRefs");
  expect(resolved).toMatchObject({ status: "False", reason: "BackendNotFound" });
  expect(resolved?.message).toMatch(/^spec\.rules\[0\]\.backendRefs\[0\].*: .+\(expected .+; .+\)$/);
});

test("a new generation is said to be seen, and a time changes only with its status", async () => {
  const before = await statusOf("gateway", "edge", isAccepted);
  // Times are in whole seconds.
  const writtenMs = Date.parse(find(before.status.conditions, "Accepted")?.lastTransitionTime ?? "");
  await until(() => Date.now() - writtenMs > 1000, "the next second");
  const patch = JSON.stringify({
    metadata: { labels: { a: "b" } },
    spec: { infrastructure: { labels: { a: "b" } } },
  });
  await cluster.kubectl(["patch", "gateway", "edge", "--type=merge", "-p", patch]);
  const after = await statusOf("gateway", "edge", ({ conditions, listeners }) =>
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
  await writeStatus(await get("gateway", "edge"), { conditions: [foreign] });
  const { status } = await statusOf("gateway", "edge", isAccepted);
  expect(status.conditions).toContainEqual(foreign);
  const entry = {
    controllerName: "example.com/other",
    parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "elsewhere" },
    conditions: [{ ...foreign, type: "Accepted" }],
  };
  await writeStatus(await get("httproute", "shop"), { parents: [entry] });
  const shop = await statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 1);
  expect(shop.status.parents?.[0]).toEqual(entry);
  await cluster.kubectl([
    "patch",
    "httproute",
    "shop",
    "--type=json",
    "-p",
    '[{"op": "remove", "path": "/spec/parentRefs/0"}]',
  ]);
  const gone = await statusOf("httproute", "shop", ({ parents }) => ours(parents).length === 0);
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
    () => writer.samples().every(({ name, value }) => !name.endsWith("_waiting") || value === 0),
    "all written",
  );
  const before = await versions();
  translateAndReport("resources");
  await cluster.kubectl(["annotate", "service", "cart", "a=b"]);
  const marker = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: marker}
spec: {gatewayClassName: limpet, listeners: [{name: http, port: 8080, protocol: HTTP}]}
`;
  await cluster.kubectl(["apply", "-f", "-"], marker);
  await statusOf("gateway", "marker", isAccepted);
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
