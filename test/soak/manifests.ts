// What the gateway of the soak serves: everything on one listener, sessions on one path, endpoints as they are just now.
import { gatewayYaml } from "../support/manifests.ts";

export interface SoakState {
  readonly port: number;
  /** Ports of the endpoints that are in. */
  readonly endpoints: readonly number[];
  /** Changes with each reload, so that each publishes something. */
  readonly revision: number;
}

export function soakYaml({ port, endpoints, revision }: SoakState): string {
  const slices = endpoints.map(
    (endpoint, index) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: soak-${index + 1}, labels: {kubernetes.io/service-name: soak}}
addressType: IPv4
ports: [{name: http, port: ${endpoint}}]
endpoints: [{addresses: ["127.0.0.1"], conditions: {ready: true}}]
`,
  );
  return `${gatewayYaml({ port })}---
apiVersion: v1
kind: Service
metadata: {name: soak}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: soak}
spec:
  parentRefs: [{name: edge}]
  rules:
    - matches: [{path: {type: PathPrefix, value: /sticky}}]
      name: sticky
      sessionPersistence: {sessionName: home, type: Cookie}
      backendRefs: [{name: soak, port: 80}]
    - filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: {set: [{name: x-revision, value: "${revision}"}]}
      backendRefs: [{name: soak, port: 80}]
${slices.join("")}`;
}
