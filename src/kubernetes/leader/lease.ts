// The Lease as replicas write it: who holds it, for how long that holds, and since when; coordination.k8s.io/v1.
import type { KubernetesObject } from "../api/client.ts";
import type { ApiResource } from "../watch/cluster-view.ts";

export const LEASE: ApiResource = {
  group: "coordination.k8s.io",
  kind: "Lease",
  version: "v1",
  plural: "leases",
  namespaced: true,
  hasStatus: false,
};

/** Name of the one that a deployment's replicas share; in its namespace. */
export const LEADER_LEASE = "limpet-leader";

/** What a Lease says. Its times are for people: clocks of replicas differ, so none goes by them. */
export interface LeaseRecord {
  /** "": nobody holds it. */
  readonly holder: string;
  /** How long the holder counts as alive after a renewal. Undefined: it does not say. */
  readonly durationMs: number | undefined;
  /** How often the holder changed. */
  readonly transitions: number;
}

/** `lease` as the API server sent it; fields that are missing or of another type say nothing. */
export function readLease({ spec }: KubernetesObject): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = (spec ?? {}) as Record<string, unknown>;
  return {
    holder: typeof holderIdentity === "string" ? holderIdentity : "",
    durationMs: typeof leaseDurationSeconds === "number" ? leaseDurationSeconds * 1000 : undefined,
    transitions: typeof leaseTransitions === "number" ? leaseTransitions : 0,
  };
}

export function newLease(
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): KubernetesObject {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec };
}

/** The Lease with other words in its spec. Its resourceVersion stays, so that writing it fails if somebody else was first. */
export function withSpec(lease: KubernetesObject, spec: Readonly<Record<string, unknown>>): KubernetesObject {
  return { ...lease, spec: { ...(lease["spec"] as object | undefined), ...spec } };
}
