// What stays of an object: enough for whoever writes statuses, little for translation, and least of Pods.
import { describe, expect, test } from "vitest";
import { CORE } from "../../dialects/core/index.ts";
import { POD } from "../../dialects/core/pod.ts";
import { readObject } from "../../dialects/schema/read-object.ts";
import type { KubernetesObject } from "../api/client.ts";
import { keepObject } from "./kept-object.ts";
import { BUILT_IN_KINDS, pluralOf, WATCHED_KINDS } from "./watched-kinds.ts";

const kindOf = (name: string) =>
  BUILT_IN_KINDS.find(({ kind }) => kind === name) as (typeof BUILT_IN_KINDS)[number];

const POD_OBJECT = {
  metadata: {
    name: "cart-1",
    namespace: "shop",
    uid: "u1",
    resourceVersion: "7",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: "cart" },
    annotations: {
      "limpet.dev/drain": "true",
      "kubectl.kubernetes.io/last-applied-configuration": "{...}",
    },
    ownerReferences: [{ kind: "ReplicaSet", name: "cart" }],
    managedFields: [{ manager: "kubelet" }],
  },
  spec: { nodeName: "node-1", containers: [{ name: "cart", env: [] }] },
  status: {
    phase: "Running",
    podIP: "10.0.0.7",
    podIPs: [{ ip: "10.0.0.7" }],
    hostIP: "10.1.0.1",
    conditions: [
      { type: "PodScheduled", status: "True" },
      { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ],
    containerStatuses: [{ name: "cart", restartCount: 3 }],
  },
} as unknown as KubernetesObject;

describe("a Pod", () => {
  const kept = keepObject(kindOf("Pod"), POD_OBJECT, undefined);

  test("keeps its metadata, its address and whether it is ready", () => {
    expect(kept.object).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "cart-1",
        namespace: "shop",
        uid: "u1",
        resourceVersion: "7",
        creationTimestamp: "2026-01-01T00:00:00Z",
        labels: { app: "cart" },
        annotations: { "limpet.dev/drain": "true" },
        ownerReferences: [{ kind: "ReplicaSet", name: "cart" }],
      },
      spec: { nodeName: "node-1" },
      status: {
        phase: "Running",
        podIP: "10.0.0.7",
        podIPs: [{ ip: "10.0.0.7" }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
  });

  test("reads without a finding", () => {
    const { reading, findings } = readObject(POD, kept.resource);
    expect(findings).toEqual([]);
    expect(reading?.value.status?.podIP).toBe("10.0.0.7");
  });

  test("is the same resource while only its containers change", () => {
    const later = structuredClone(POD_OBJECT) as unknown as {
      metadata: { resourceVersion: string };
      status: { containerStatuses: unknown[]; conditions: { lastTransitionTime: string }[] };
    };
    later.metadata.resourceVersion = "8";
    later.status.containerStatuses = [];
    expect(keepObject(kindOf("Pod"), later as unknown as KubernetesObject, kept).resource).toBe(
      kept.resource,
    );
  });

  test("is another once it is not ready", () => {
    const later = structuredClone(POD_OBJECT) as unknown as {
      metadata: { resourceVersion: string };
      status: { conditions: unknown[] };
    };
    later.metadata.resourceVersion = "8";
    later.status.conditions = [{ type: "Ready", status: "False" }];
    const other = keepObject(kindOf("Pod"), later as unknown as KubernetesObject, kept);
    expect(other.resource).not.toBe(kept.resource);
  });
});

test("others' notes in annotations are no change: a lock that is renewed every two seconds is none", () => {
  const configMap = (version: string, leader: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "lock",
      namespace: "shop",
      resourceVersion: version,
      annotations: { "control-plane.alpha.kubernetes.io/leader": leader, mine: "x" },
    },
  });
  const one = keepObject(kindOf("ConfigMap"), configMap("1", "a"), undefined);
  const two = keepObject(kindOf("ConfigMap"), configMap("2", "b"), one);
  expect(two).not.toBe(one);
  expect(two.resource).toBe(one.resource);
  expect(two.resource.value).toMatchObject({ metadata: { annotations: { mine: "x" } } });
});

test("an object of a version that is kept already is the kept one", () => {
  const one = keepObject(kindOf("Pod"), POD_OBJECT, undefined);
  expect(keepObject(kindOf("Pod"), structuredClone(POD_OBJECT), one)).toBe(one);
});

test("every kind of the core dialect has its place in the API", () => {
  const places = BUILT_IN_KINDS.map(({ group, kind, version }) => `${group}/${version} ${kind}`);
  const known = CORE.kinds.map(({ group, kind, versions }) => `${group}/${versions[0]} ${kind}`);
  expect(places.toSorted()).toEqual(known.toSorted());
  expect(BUILT_IN_KINDS.filter(({ kind, plural }) => pluralOf(kind) !== plural)).toEqual([]);
  expect(WATCHED_KINDS.length).toBeGreaterThan(BUILT_IN_KINDS.length);
});

test.each([
  ["HTTPRoute", "httproutes"],
  ["GatewayClass", "gatewayclasses"],
  ["BackendTLSPolicy", "backendtlspolicies"],
  ["Gateway", "gateways"],
  ["ServiceEntry", "serviceentries"],
])("the plural of %s is %s", (kind, plural) => {
  expect(pluralOf(kind)).toBe(plural);
});

test("an object in another version of its kind is read anew, though its resourceVersion is the same", () => {
  const kind = {
    group: "gateway.networking.k8s.io",
    kind: "TLSRoute",
    version: "v1",
    plural: "tlsroutes",
    namespaced: true,
    hasStatus: true,
  };
  const route = (version: string, spec: object): KubernetesObject => ({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind: "TLSRoute",
    metadata: { name: "cart", namespace: "shop", uid: "u1", resourceVersion: "7" },
    spec,
  });
  const before = keepObject({ ...kind, version: "v1alpha2" }, route("v1alpha2", {}), undefined);
  const now = route("v1", { hostnames: ["cart.example"] });
  const after = keepObject(kind, now, before);
  expect(after.object).toEqual(now);
  expect(after.resource).toMatchObject({ apiVersion: now.apiVersion, value: { spec: now["spec"] } });
  expect(keepObject(kind, structuredClone(now), after)).toBe(after);
});
