// Gateways get their places, and the API the records of them: against a double of an API server, with the real translation.
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ClusterDouble, ViewDouble } from "../../../test/support/cluster-double.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { reached } from "../../../test/support/reached.ts";
import { translate } from "../../dialects/translate.ts";
import type { Listener, ObjectStatus } from "../../model/index.ts";
import { ApiError, type KubernetesObject } from "../api/client.ts";
import type { ApiResource } from "../watch/cluster-view.ts";
import { AddressPool } from "./address-pool.ts";
import { type AddressSource, GatewayAddresses } from "./gateway-addresses.ts";

const CONTROLLER = "limpet.dev/gateway";
const GATEWAY_API = { group: "gateway.networking.k8s.io", version: "v1", hasStatus: true } as const;
const CORE = { group: "", version: "v1", namespaced: true, hasStatus: true } as const;
const KINDS: readonly ApiResource[] = [
  { ...GATEWAY_API, kind: "GatewayClass", plural: "gatewayclasses", namespaced: false },
  { ...GATEWAY_API, kind: "Gateway", plural: "gateways", namespaced: true },
  { ...CORE, kind: "Service", plural: "services" },
  { ...CORE, kind: "Pod", plural: "pods" },
  { ...CORE, kind: "ConfigMap", plural: "configmaps" },
  { ...CORE, group: "discovery.k8s.io", kind: "EndpointSlice", plural: "endpointslices" },
];

const BEHIND: AddressSource = { kind: "services", type: "LoadBalancer" };
const POOL: AddressSource = { kind: "pool", pool: new AddressPool(["192.0.2.0/29"]) };

interface Spec {
  readonly addresses?: readonly object[];
  readonly infrastructure?: object;
  readonly gatewayClassName?: string;
  readonly ports?: readonly number[];
}

function gateway(name: string, { ports = [80], ...spec }: Spec = {}, createdSec = 0): KubernetesObject {
  const listeners = ports.map((port) => ({ name: `http-${port}`, port, protocol: "HTTP" }));
  const creationTimestamp = new Date(createdSec * 1000).toISOString();
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name, namespace: "shop", creationTimestamp },
    spec: { gatewayClassName: "limpet", listeners, ...spec },
  };
}

function gatewayClass(name: string, controllerName: string): KubernetesObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name },
    spec: { controllerName },
  };
}

function pod(name: string, ip: string, more: { ready?: string; deletionTimestamp?: string } = {}) {
  const { ready = "True", deletionTimestamp } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "limpet-system",
      labels: { "app.kubernetes.io/name": "limpet", "pod-template-hash": name },
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: { nodeName: `node-of-${name}` },
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: ready }] },
  };
}

function world() {
  const cluster = new ClusterDouble(KINDS);
  cluster.put(gatewayClass("limpet", CONTROLLER));
  cluster.put(gatewayClass("other", "example.com/other"));
  cluster.put(pod("limpet-a", "10.0.0.1"));
  cluster.put(pod("limpet-b", "10.0.0.2"));
  return cluster;
}

/** One replica, translating whenever it is told to. */
function replica(cluster: ClusterDouble, source: AddressSource, name = "limpet-a") {
  const clock = new ManualClock();
  const view = new ViewDouble(cluster, KINDS);
  const log: unknown[] = [];
  let isLeader = false;
  let changes = 0;
  const addresses = new GatewayAddresses({
    source,
    client: cluster,
    view,
    controllerName: CONTROLLER,
    namespace: "limpet-system",
    pod: name,
    mayWrite: () => isLeader,
    onChange: () => {
      changes += 1;
    },
    clock,
    random: () => 0.5,
    logger: { info: (details: object) => log.push(details), warn: (details: object) => log.push(details) },
  });
  onTestFinished(() => addresses.stop());
  const translated = () =>
    translate(view.resources(), { controllerName: CONTROLLER, place: addresses.place() });
  /** Translates, writes, and translates what became of it, until nothing changes. */
  const settle = async () => {
    for (let round = 0; round < 4; round++) {
      const translation = translated();
      if (isLeader && source.kind === "pool") writeAddresses(cluster, translation.statuses);
      addresses.report(translation);
      await clock.advance(10);
    }
    return translated();
  };
  return {
    addresses,
    view,
    clock,
    log,
    settle,
    translated,
    changes: () => changes,
    lead: async () => {
      isLeader = true;
      addresses.setLeader(true);
      await clock.advance(0);
    },
    retire: () => {
      isLeader = false;
      addresses.setLeader(false);
    },
  };
}

/** As the status writer does. */
function writeAddresses(cluster: ClusterDouble, statuses: readonly ObjectStatus[]): void {
  for (const { object, addresses } of statuses) {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${object.namespace}/gateways/${object.name}`;
    const known = cluster.at(path);
    if (known !== undefined && addresses !== undefined) cluster.put({ ...known, status: { addresses } });
  }
}

const serviceOf = (cluster: ClusterDouble, name: string) =>
  cluster.at(`/api/v1/namespaces/shop/services/${name}-limpet`);
const sliceOf = (cluster: ClusterDouble, name: string, family = "ipv4") =>
  cluster.at(`/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/${name}-limpet-${family}`);

function giveAddress(cluster: ClusterDouble, name: string, ...ingress: object[]) {
  const service = serviceOf(cluster, name) as KubernetesObject;
  cluster.put({ ...service, status: { loadBalancer: { ingress } } });
}

const boundOf = (listeners: readonly Listener[]) =>
  listeners.map(({ id, addresses, port, bindPort = port }) => [id, ...addresses, port, bindPort]);

function conditionOf(statuses: readonly ObjectStatus[], name: string, type: string): string {
  const { conditions = [] } = statuses.find(({ object }) => object.name === name) ?? {};
  const found = conditions.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}: ${found?.message}`;
}

test("the leader makes a Service for a Gateway, and all replicas bind the ports that are on record in it", async () => {
  const cluster = world();
  const infrastructure = { labels: { team: "cart" }, annotations: { "example.com/lb": "internal" } };
  cluster.put(gateway("edge", { ports: [80, 8080], infrastructure }));
  const [leader, follower] = [replica(cluster, BEHIND), replica(cluster, BEHIND, "limpet-b")];
  await leader.lead();
  const { snapshot } = await leader.settle();
  expect(boundOf(snapshot.listeners)).toEqual([
    ["Gateway/shop/edge/http-80", 80, 20_000],
    ["Gateway/shop/edge/http-8080", 8080, 20_001],
  ]);
  expect((await follower.settle()).snapshot.listeners).toEqual(snapshot.listeners);
  expect(serviceOf(cluster, "edge")).toMatchObject({
    metadata: {
      labels: {
        team: "cart",
        "gateway.networking.k8s.io/gateway-name": "edge",
        "app.kubernetes.io/managed-by": "limpet",
      },
      annotations: { "example.com/lb": "internal" },
      ownerReferences: [{ kind: "Gateway", name: "edge", controller: true }],
    },
    spec: {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [
        { name: "port-80", port: 80, targetPort: 20_000 },
        { name: "port-8080", port: 8080, targetPort: 20_001 },
      ],
    },
  });
});

test("its endpoints are the replicas, in the state that they are in", async () => {
  const cluster = world();
  cluster.put(pod("limpet-b", "10.0.0.2", { deletionTimestamp: "2026-01-01T00:00:00Z" }));
  cluster.put(pod("limpet-c", "2001:db8::3", { ready: "False" }));
  cluster.put({ ...pod("elsewhere", "10.0.0.9"), metadata: { name: "elsewhere", namespace: "shop" } });
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  const conditions = { ready: true, serving: true, terminating: false };
  expect(sliceOf(cluster, "edge")).toMatchObject({
    metadata: {
      labels: { "kubernetes.io/service-name": "edge-limpet" },
      ownerReferences: [{ kind: "Service", name: "edge-limpet" }],
    },
    addressType: "IPv4",
    ports: [{ name: "port-80", port: 20_000, protocol: "TCP" }],
    endpoints: [
      { addresses: ["10.0.0.1"], conditions, nodeName: "node-of-limpet-a", targetRef: { name: "limpet-a" } },
      { addresses: ["10.0.0.2"], conditions: { ...conditions, ready: false, terminating: true } },
    ],
  });
  expect(sliceOf(cluster, "edge", "ipv6")).toMatchObject({
    endpoints: [{ addresses: ["2001:db8::3"], conditions: { ready: false, serving: false } }],
  });
  cluster.delete(pod("limpet-b", ""));
  await leader.clock.advance(5_000);
  await leader.settle();
  expect(sliceOf(cluster, "edge")?.["endpoints"]).toHaveLength(1);
});

test("a Gateway is programmed once its Service has an address, and serves before", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  expect(conditionOf(leader.translated().statuses, "edge", "Programmed")).toMatch(
    /^False Pending: its Service/,
  );
  await leader.lead();
  const waiting = await leader.settle();
  expect(waiting.snapshot.listeners).toHaveLength(1);
  expect(conditionOf(waiting.statuses, "edge", "Accepted")).toMatch(/^True/);
  expect(conditionOf(waiting.statuses, "edge", "Programmed")).toBe(
    "False AddressNotAssigned: Service shop/edge-limpet has no address yet",
  );
  const before = leader.addresses.place();
  giveAddress(cluster, "edge", { ip: "203.0.113.7" }, { hostname: "lb.example" });
  expect(leader.addresses.place()).not.toBe(before);
  const { statuses } = leader.translated();
  expect(conditionOf(statuses, "edge", "Programmed")).toMatch(/^True/);
  expect(statuses.find(({ object }) => object.name === "edge")?.addresses).toEqual([
    { type: "IPAddress", value: "203.0.113.7" },
    { type: "Hostname", value: "lb.example" },
  ]);
  expect(leader.addresses.place()).toBe(leader.addresses.place());
});

test("what stands there is not written again", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  await leader.clock.advance(60_000);
  const { length } = cluster.requests;
  await leader.settle();
  await leader.clock.advance(60_000);
  expect(cluster.requests).toHaveLength(length);
});

test("what somebody else changed in it is put right, and what he added stays", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  const service = serviceOf(cluster, "edge") as KubernetesObject;
  const spec = {
    ...(service["spec"] as object),
    externalTrafficPolicy: "Cluster",
    healthCheckNodePort: 30_000,
  };
  cluster.put({ ...service, spec });
  await leader.settle();
  // A quarrel with another controller is a slow one.
  expect(serviceOf(cluster, "edge")?.["spec"]).toMatchObject({ externalTrafficPolicy: "Cluster" });
  await leader.clock.advance(1_000);
  await leader.settle();
  expect(serviceOf(cluster, "edge")?.["spec"]).toMatchObject({
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 30_000,
  });
});

test.each([
  ["the leader that gave it away", false],
  ["one that leads only now", true],
])(
  "nobody gets another one's clients by writing his port into a Service of his own: %s",
  async (_, leadsNow) => {
    const cluster = world();
    cluster.put(gateway("old", {}, 10));
    cluster.put(gateway("young", {}, 20));
    const [first, second] = [replica(cluster, BEHIND), replica(cluster, BEHIND, "limpet-b")];
    await first.lead();
    const before = boundOf((await first.settle()).snapshot.listeners);
    expect(before).toMatchObject([
      [expect.stringContaining("old"), 80, 20_000],
      [expect.stringContaining("young"), 80, 20_001],
    ]);
    await second.settle();
    const service = serviceOf(cluster, "old") as KubernetesObject;
    const ports = [{ name: "port-80", port: 80, protocol: "TCP", targetPort: 20_001 }];
    cluster.put({ ...service, spec: { ...(service["spec"] as object), ports } });
    for (const one of [first, second]) {
      expect(boundOf(one.translated().snapshot.listeners)).toEqual(before.slice(1));
    }
    if (leadsNow) first.retire();
    if (leadsNow) await second.lead();
    const leader = leadsNow ? second : first;
    await leader.settle();
    await leader.clock.advance(1_000);
    const after = boundOf((await leader.settle()).snapshot.listeners);
    expect(after).toHaveLength(2);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]?.at(-1)).not.toBe(20_001);
  },
);

test("a Service of the same name that is somebody else's is not touched, and told", async () => {
  const cluster = world();
  const foreign = cluster.put({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "edge-limpet", namespace: "shop" },
    spec: { ports: [{ port: 80 }] },
  });
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  const { snapshot, statuses } = await leader.settle();
  expect(serviceOf(cluster, "edge")).toEqual(foreign);
  expect(snapshot.listeners).toEqual([]);
  expect(conditionOf(statuses, "edge", "Programmed")).toMatch(
    /^False AddressNotAssigned: .* another Service/,
  );
});

test("one that appeared unseen is not taken from whoever made it", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  leader.view.freeze();
  cluster.put({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "edge-limpet", namespace: "shop" },
    spec: { ports: [{ port: 80 }] },
  });
  const { statuses } = await leader.settle();
  expect(serviceOf(cluster, "edge")?.metadata.labels).toBeUndefined();
  expect(conditionOf(statuses, "edge", "Programmed")).toMatch(
    /^False AddressNotAssigned: its Service cannot/,
  );
});

test("a refusal of the API server is told in the condition, tried again, and taken back", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  let isFull = true;
  cluster.before = ({ method }) => {
    if (isFull && method === "PATCH") throw new ApiError("exceeded quota: services", { status: 403 });
  };
  await leader.lead();
  const { statuses } = await leader.settle();
  expect(conditionOf(statuses, "edge", "Programmed")).toBe(
    "False AddressNotAssigned: its Service cannot be written: exceeded quota: services",
  );
  const tries = cluster.requests.length;
  await leader.clock.advance(500);
  await leader.settle();
  expect(cluster.requests).toHaveLength(tries);
  isFull = false;
  await leader.clock.advance(1_000);
  expect(serviceOf(cluster, "edge")).toBeDefined();
  expect(leader.changes()).toBeGreaterThan(0);
  expect(conditionOf((await leader.settle()).statuses, "edge", "Programmed")).toMatch(/no address yet/);
});

test("many Gateways are written a few at a time, and for none of them twice at a time", async () => {
  const cluster = world();
  for (let index = 0; index < 20; index++) cluster.put(gateway(`edge-${index}`, {}, index));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  const underWay: string[] = [];
  let most = 0;
  cluster.before = async ({ path }) => {
    expect(underWay).not.toContain(path);
    underWay.push(path);
    most = Math.max(most, underWay.length);
    await new Promise((resolve) => setImmediate(resolve));
  };
  cluster.after = ({ path }) => void underWay.splice(underWay.indexOf(path), 1);
  await leader.settle();
  await reached(() => sliceOf(cluster, "edge-19") !== undefined && underWay.length === 0, leader.clock);
  expect(most).toBe(8);
  expect(cluster.all().filter(({ kind }) => kind === "Service")).toHaveLength(20);
});

test("credentials that are old are no word about the Gateway", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  giveAddress(cluster, "edge", { ip: "203.0.113.7" });
  cluster.before = ({ method }) => {
    if (method === "PATCH") throw new ApiError("Unauthorized", { status: 401 });
  };
  cluster.put(gateway("edge", { ports: [80, 8080] }));
  const { statuses } = await leader.settle();
  expect(conditionOf(statuses, "edge", "Programmed")).toMatch(/^True/);
});

test("an API server that does not answer is no word about the Gateway, unless it goes on for long", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  giveAddress(cluster, "edge", { ip: "203.0.113.7" });
  cluster.before = ({ method }) => {
    if (method === "PATCH") throw new ApiError("no answer", { status: 0 });
  };
  cluster.put(gateway("edge", { ports: [80, 8080] }));
  const soon = await leader.settle();
  expect(conditionOf(soon.statuses, "edge", "Programmed")).toMatch(/^True/);
  await leader.clock.advance(10_000);
  const late = await leader.settle();
  expect(conditionOf(late.statuses, "edge", "Programmed")).toMatch(/cannot be written: no answer$/);
  expect(boundOf(late.snapshot.listeners)).toHaveLength(1);
});

test("two Gateways with the same port are apart, whoever leads and however much he has seen", async () => {
  const cluster = world();
  cluster.put(gateway("young", {}, 20));
  const [first, second] = [replica(cluster, BEHIND), replica(cluster, BEHIND, "limpet-b")];
  first.view.freeze();
  cluster.put(gateway("old", {}, 10));
  second.view.freeze();
  await first.lead();
  await first.settle();
  first.retire();
  await second.lead();
  await second.settle();
  second.view.catchUp();
  await second.clock.advance(5_000);
  const { snapshot } = await second.settle();
  expect(boundOf(snapshot.listeners)).toEqual([
    ["Gateway/shop/old/http-80", 80, 20_001],
    ["Gateway/shop/young/http-80", 80, 20_000],
  ]);
});

test("parameters say which kind of Service it is", async () => {
  const cluster = world();
  const parametersRef = { group: "", kind: "ConfigMap", name: "edge" };
  cluster.put({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "edge", namespace: "shop" },
    data: { serviceType: "ClusterIP" },
  });
  cluster.put(gateway("edge", { infrastructure: { parametersRef } }));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  const service = serviceOf(cluster, "edge") as KubernetesObject;
  expect(service["spec"]).toMatchObject({ type: "ClusterIP" });
  expect(service["spec"]).not.toHaveProperty("externalTrafficPolicy");
  cluster.put({ ...service, spec: { ...(service["spec"] as object), clusterIPs: ["10.96.0.9"] } });
  const { statuses } = leader.translated();
  expect(statuses.find(({ object }) => object.name === "edge")?.addresses).toEqual([
    { type: "IPAddress", value: "10.96.0.9" },
  ]);
});

test.each([
  ["a kind that is none", { group: "invalid.io", kind: "InvalidParameters", name: "invalid" }],
  ["a ConfigMap that is not there", { group: "", kind: "ConfigMap", name: "nowhere" }],
  ["a ConfigMap with another key", { group: "", kind: "ConfigMap", name: "typo" }],
  ["a ConfigMap with another value", { group: "", kind: "ConfigMap", name: "wrong" }],
])("parameters by %s are not accepted, and take no Service away", async (_, parametersRef) => {
  const cluster = world();
  for (const [name, data] of [
    ["typo", { serviceTyp: "ClusterIP" }],
    ["wrong", { serviceType: "NodePort" }],
  ] as const) {
    cluster.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, data });
  }
  cluster.put(gateway("edge"));
  cluster.put(gateway("other", { infrastructure: { parametersRef } }));
  for (const source of [BEHIND, POOL]) {
    const leader = replica(cluster, source);
    await leader.lead();
    await leader.settle();
    const before = serviceOf(cluster, "edge");
    cluster.put(gateway("edge", { infrastructure: { parametersRef } }));
    const { snapshot, statuses, findings } = await leader.settle();
    expect(conditionOf(statuses, "other", "Accepted")).toMatch(/^False InvalidParameters/);
    expect(conditionOf(statuses, "edge", "Accepted")).toMatch(/^False InvalidParameters/);
    expect(findings.map(({ path }) => path)).toContain("spec.infrastructure.parametersRef");
    expect(serviceOf(cluster, "edge")).toEqual(before);
    expect(snapshot.listeners.map(({ id }) => id)).toEqual(["Gateway/shop/edge/http-80"]);
    leader.retire();
    cluster.put(gateway("edge"));
    cluster.delete(serviceOf(cluster, "edge") as KubernetesObject);
  }
});

test("a certain address is asked of the load balancer, and missed where it gives another", async () => {
  const cluster = world();
  cluster.put(gateway("edge", { addresses: [{ type: "IPAddress", value: "203.0.113.7" }] }));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  expect(serviceOf(cluster, "edge")?.["spec"]).toMatchObject({ loadBalancerIP: "203.0.113.7" });
  giveAddress(cluster, "edge", { ip: "203.0.113.8" });
  expect(conditionOf(leader.translated().statuses, "edge", "Programmed")).toMatch(/^False AddressNotUsable/);
  giveAddress(cluster, "edge", { ip: "203.0.113.7" });
  expect(conditionOf(leader.translated().statuses, "edge", "Programmed")).toMatch(/^True/);
});

test.each([
  [{ type: "Hostname", value: "shop.example" }],
  [
    { type: "IPAddress", value: "203.0.113.7" },
    { type: "IPAddress", value: "203.0.113.8" },
  ],
  [{ type: "example.com/subnet", value: "" }],
])("addresses that no Service can have are not accepted: %j", async (...addresses) => {
  const cluster = world();
  cluster.put(gateway("edge", { addresses }));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  const { statuses } = await leader.settle();
  expect(conditionOf(statuses, "edge", "Accepted")).toMatch(/^False UnsupportedAddress/);
  expect(serviceOf(cluster, "edge")).toBeUndefined();
});

test("the Service of a Gateway that another controller serves by now is taken away", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  cluster.put(gateway("edge", { gatewayClassName: "gone" }));
  await leader.settle();
  expect(serviceOf(cluster, "edge")).toBeDefined();
  cluster.put(gateway("edge", { gatewayClassName: "other" }));
  await leader.settle();
  expect(serviceOf(cluster, "edge")).toBeUndefined();
});

test("the Service of an earlier Gateway with the same name makes room", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, BEHIND);
  await leader.lead();
  await leader.settle();
  const { uid } = serviceOf(cluster, "edge")?.metadata ?? {};
  cluster.delete(gateway("edge"));
  cluster.put(gateway("edge"));
  expect(boundOf(leader.translated().snapshot.listeners)).toEqual([]);
  await leader.clock.advance(5_000);
  expect((await leader.settle()).snapshot.listeners).toHaveLength(1);
  expect(serviceOf(cluster, "edge")?.metadata.uid).not.toBe(uid);
});

test("a pool gives each Gateway an address, which all replicas bind, under a name of its own", async () => {
  const cluster = world();
  cluster.put(gateway("one", {}, 10));
  cluster.put(gateway("two", { addresses: [{ type: "IPAddress", value: "192.0.2.5" }] }, 20));
  const [leader, follower] = [replica(cluster, POOL), replica(cluster, POOL, "limpet-b")];
  expect((await follower.settle()).snapshot.listeners).toEqual([]);
  await leader.lead();
  const { snapshot, statuses } = await leader.settle();
  expect(boundOf(snapshot.listeners)).toEqual([
    ["Gateway/shop/one/http-80", "192.0.2.1", 80, 80],
    ["Gateway/shop/two/http-80", "192.0.2.5", 80, 80],
  ]);
  expect(conditionOf(statuses, "one", "Programmed")).toMatch(/^True/);
  expect((await follower.settle()).snapshot.listeners).toEqual(snapshot.listeners);
  expect(serviceOf(cluster, "one")?.["spec"]).toMatchObject({ clusterIP: "None" });
  expect(sliceOf(cluster, "one")).toMatchObject({
    endpoints: [{ addresses: ["192.0.2.1"] }],
    ports: [{ name: "port-80", port: 80 }],
  });
});

test("addresses of the machine itself are bound, and stand in no EndpointSlice", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, { kind: "pool", pool: new AddressPool(["127.1.0.0/16"]) });
  await leader.lead();
  expect(boundOf((await leader.settle()).snapshot.listeners)).toEqual([
    ["Gateway/shop/edge/http-80", "127.1.0.1", 80, 80],
  ]);
  expect(serviceOf(cluster, "edge")).toBeDefined();
  expect(sliceOf(cluster, "edge")).toBeUndefined();
});

test("an address that a leader gave is kept by the next one, though he has not seen it written yet", async () => {
  const cluster = world();
  cluster.put(gateway("young", {}, 20));
  const [first, second] = [replica(cluster, POOL), replica(cluster, POOL, "limpet-b")];
  first.view.freeze();
  cluster.put(gateway("old", {}, 10));
  second.view.freeze();
  await first.lead();
  await first.settle();
  first.retire();
  await second.lead();
  const expected = [
    ["Gateway/shop/old/http-80", "192.0.2.2", 80, 80],
    ["Gateway/shop/young/http-80", "192.0.2.1", 80, 80],
  ];
  expect(boundOf(second.translated().snapshot.listeners)).toEqual(expected);
  second.view.catchUp();
  expect(boundOf((await second.settle()).snapshot.listeners)).toEqual(expected);
});

test("a leader gives nothing away before it knows what was given", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const leader = replica(cluster, POOL);
  let isDown = true;
  cluster.before = ({ method }) => {
    if (isDown && method === "GET") throw new ApiError("no answer", { status: 0 });
  };
  await leader.lead();
  expect((await leader.settle()).snapshot.listeners).toEqual([]);
  isDown = false;
  await leader.clock.advance(30_000);
  expect((await leader.settle()).snapshot.listeners).toHaveLength(1);
});

test("what a leader learns when it leads no more counts for nothing", async () => {
  const cluster = world();
  cluster.put({ ...gateway("edge"), status: { addresses: [{ type: "IPAddress", value: "192.0.2.4" }] } });
  const one = replica(cluster, POOL);
  const answer = Promise.withResolvers<void>();
  cluster.after = () => answer.promise;
  await one.lead();
  one.retire();
  const { status: _, ...bare } = cluster.at(
    "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/edge",
  ) as KubernetesObject;
  cluster.put(bare as KubernetesObject);
  answer.resolve();
  await one.clock.advance(10);
  expect(one.translated().snapshot.listeners).toEqual([]);
});

test("who leads no more gives up what is on its way, and begins anew when it leads again", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const one = replica(cluster, BEHIND);
  const [sent, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await one.lead();
  cluster.before = ({ method }) => {
    if (method !== "PATCH") return undefined;
    sent.resolve();
    return goesOn.promise;
  };
  one.addresses.report(one.translated());
  await sent.promise;
  one.retire();
  goesOn.resolve();
  await one.clock.advance(60_000);
  expect(serviceOf(cluster, "edge")).toBeUndefined();
  expect(one.log).toEqual([]);
  await one.lead();
  await one.settle();
  expect(serviceOf(cluster, "edge")).toBeDefined();
});

test("a change from Services to a pool makes the Service anew", async () => {
  const cluster = world();
  cluster.put(gateway("edge"));
  const before = replica(cluster, BEHIND);
  await before.lead();
  await before.settle();
  const service = serviceOf(cluster, "edge") as KubernetesObject;
  cluster.put({ ...service, spec: { ...(service["spec"] as object), clusterIP: "10.96.0.9" } });
  before.retire();
  const after = replica(cluster, POOL);
  await after.lead();
  await after.settle();
  expect(serviceOf(cluster, "edge")?.["spec"]).toMatchObject({ clusterIP: "None" });
});

interface Edit {
  readonly kind: "create" | "delete";
  readonly name: string;
  readonly createdSec: number;
}

interface Turn {
  readonly kind: "lead" | "freeze" | "catchUp" | "settle";
  readonly replica: 0 | 1;
}

const someEdit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom("create", "create", "delete"),
  name: fc.constantFrom("a", "b", "c", "d"),
  createdSec: fc.integer({ min: 0, max: 5 }),
});

const someTurn: fc.Arbitrary<Turn> = fc.record({
  kind: fc.constantFrom("lead", "freeze", "catchUp", "settle", "settle", "settle"),
  replica: fc.constantFrom(0, 1),
});

const someHistory = fc.boolean().chain((sees) => {
  const turns = sees ? someTurn.filter(({ kind }) => kind !== "freeze") : someTurn;
  return fc.array(fc.oneof(someEdit, turns), { minLength: 15, maxLength: 40 });
});

function changeGateways(cluster: ClusterDouble, { kind, name, createdSec }: Edit): void {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/${name}`;
  if (kind === "create") {
    if (cluster.at(path) === undefined) cluster.put(gateway(name, {}, createdSec));
    return;
  }
  cluster.delete(gateway(name));
  // As the garbage collector does.
  const service = serviceOf(cluster, name);
  if (service !== undefined) cluster.delete(service);
}

/** Place of each listener: by what a client reaches, whom it reaches. */
function placesOf(listeners: readonly Listener[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const { addresses, port, bindPort = port, gateway: by } of listeners) {
    for (const address of addresses.length === 0 ? ["*"] : addresses) {
      const place = `${address}:${bindPort}`;
      expect(places.has(place)).toBe(false);
      places.set(place, by.name);
    }
  }
  return places;
}

test.each([
  ["Services", BEHIND],
  ["a pool", POOL],
])("in any history with %s no replica has two Gateways at one place, and places stay", async (_, source) => {
  await fc.assert(
    fc.asyncProperty(someHistory, async (steps) => {
      const cluster = world();
      const replicas = [replica(cluster, source), replica(cluster, source, "limpet-b")] as const;
      // Whose each port ever was: where all see what happens, it is given once.
      const owners = new Map<string, string>();
      const givesOnce = source.kind === "services" && steps.every(({ kind }) => kind !== "freeze");
      const look = (one: (typeof replicas)[number]) => {
        for (const [place, name] of placesOf(one.translated().snapshot.listeners)) {
          if (!givesOnce) continue;
          expect(owners.get(place) ?? name).toBe(name);
          owners.set(place, name);
        }
      };
      for (const step of steps) {
        if ("name" in step) changeGateways(cluster, step);
        else {
          const one = replicas[step.replica];
          if (step.kind === "lead") {
            for (const other of replicas) other.retire();
            await one.lead();
          } else if (step.kind === "freeze") one.view.freeze();
          else if (step.kind === "catchUp") one.view.catchUp();
          else await one.settle();
        }
        for (const one of replicas) look(one);
      }
      // In the end, when everybody knows everything, everybody serves everything, and the same.
      for (const one of replicas) one.retire();
      for (const one of replicas) one.view.catchUp();
      await replicas[0].lead();
      for (let round = 0; round < 3; round++) {
        await replicas[0].settle();
        await replicas[0].clock.advance(60_000);
      }
      const [first, second] = replicas.map((one) => placesOf(one.translated().snapshot.listeners));
      expect(second).toEqual(first);
      const there = cluster.all().filter(({ kind }) => kind === "Gateway");
      expect([...(first?.values() ?? [])].sort()).toEqual(there.map(({ metadata }) => metadata.name).sort());
      await replicas[0].settle();
      expect(placesOf(replicas[0].translated().snapshot.listeners)).toEqual(first);
      for (const one of replicas) await one.addresses.stop();
    }),
    { numRuns: 40 },
  );
});
