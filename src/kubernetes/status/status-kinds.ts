// The kinds that have a status of ours, and what it is made of.
import type { ObjectRef } from "../../model/index.ts";

/**
 * - `class`, `gateway`, `listeners`: conditions of the object itself, of which ours are known by their type;
 * - `parents`: one entry for each parent of a route, ours known by their controllerName;
 * - `ancestors`: the same for what a policy applies to (Gateway API's PolicyStatus, GEP-713).
 */
export type StatusShape = "class" | "gateway" | "listeners" | "parents" | "ancestors";

export interface StatusKind {
  readonly group: string;
  readonly kind: string;
  readonly shape: StatusShape;
  /** How many entries the CRD takes. */
  readonly maxEntries: number;
}

const GATEWAY_API = "gateway.networking.k8s.io";
const EXPERIMENTAL = "gateway.networking.x-k8s.io";

/**
 * In the order in which they are written. A kind whose CRD has a status of another shape (Istio, Gloo, Envoy Gateway's and
 * kgateway's Backend) is not here: what there is to tell of its objects becomes Events.
 */
export const STATUS_KINDS: readonly StatusKind[] = [
  { group: GATEWAY_API, kind: "GatewayClass", shape: "class", maxEntries: 0 },
  { group: GATEWAY_API, kind: "Gateway", shape: "gateway", maxEntries: 0 },
  { group: GATEWAY_API, kind: "ListenerSet", shape: "listeners", maxEntries: 0 },
  { group: EXPERIMENTAL, kind: "XListenerSet", shape: "listeners", maxEntries: 0 },
  { group: GATEWAY_API, kind: "HTTPRoute", shape: "parents", maxEntries: 32 },
  { group: GATEWAY_API, kind: "TLSRoute", shape: "parents", maxEntries: 32 },
  { group: GATEWAY_API, kind: "BackendTLSPolicy", shape: "ancestors", maxEntries: 16 },
  { group: EXPERIMENTAL, kind: "XBackend", shape: "ancestors", maxEntries: 32 },
  { group: EXPERIMENTAL, kind: "XBackendTrafficPolicy", shape: "ancestors", maxEntries: 16 },
  { group: "limpet.dev", kind: "AffinityPolicy", shape: "ancestors", maxEntries: 16 },
  { group: "gateway.envoyproxy.io", kind: "BackendTrafficPolicy", shape: "ancestors", maxEntries: 16 },
  { group: "gateway.kgateway.dev", kind: "TrafficPolicy", shape: "ancestors", maxEntries: 16 },
  { group: "gateway.kgateway.dev", kind: "BackendConfigPolicy", shape: "ancestors", maxEntries: 16 },
];

const BY_KIND = Map.groupBy(STATUS_KINDS, ({ kind }) => kind);

export function statusKind({ group, kind }: Pick<ObjectRef, "group" | "kind">): StatusKind | undefined {
  return BY_KIND.get(kind)?.find((one) => one.group === group);
}
