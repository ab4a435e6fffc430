// What the gateways of a rollout serve: one route with sealed sessions, and the endpoints as they are just now.
import { serviceYaml, sliceYaml } from "../support/manifests.ts";

/** stays: takes sessions; the others drain, by their slice or by the word of an operator on their Pod. */
export type EndpointState = "stays" | "terminating" | "annotated";

export interface RolloutEndpoint {
  /** Of its Pod. */
  readonly name: string;
  /** Of its Pod: another one at the same address is somebody else. */
  readonly uid: string;
  readonly port: number;
  readonly state: EndpointState;
}

export interface RolloutConfiguration {
  /** Told with every response, so that a failure can name it. */
  readonly gateway: string;
  readonly port: number;
  readonly endpoints: readonly RolloutEndpoint[];
  /** What becomes of sessions whose endpoint is gone; with a status they are rejected with it. */
  readonly onLost: "reassign" | number;
}

export function rolloutYaml({ gateway, port, endpoints, onLost }: RolloutConfiguration): string {
  const lost = onLost === "reassign" ? "{action: reassign}" : `{action: reject, status: ${onLost}}`;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners: [{name: http, protocol: HTTP, port: ${port}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
    - name: all
      filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: {set: [{name: x-gateway, value: ${gateway}}]}
      backendRefs: [{name: shop, port: 80}]
---
apiVersion: limpet.dev/v1alpha1
kind: AffinityPolicy
metadata: {name: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}]
  session:
    cookie: {name: home}
    absoluteTimeout: 1h
    # Tokens are renewed every 7.5 s.
    idleTimeout: 2m
    onLost: ${lost}
${serviceYaml("shop", [])}${endpoints.map(endpointYaml).join("")}`;
}

function endpointYaml({ name, uid, port, state }: RolloutEndpoint): string {
  const conditions =
    state === "terminating" ? "{ready: false, serving: true, terminating: true}" : "{ready: true}";
  const target = `{kind: Pod, name: ${name}, uid: ${uid}}`;
  const endpoints = `[{addresses: [127.0.0.1], targetRef: ${target}, conditions: ${conditions}}]`;
  return `${sliceYaml({ name, service: "shop", port, endpoints })}---
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  uid: ${uid}
  annotations: {limpet.dev/drain: "${state === "annotated"}"}
`;
}
