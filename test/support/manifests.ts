// Small configurations for end-to-end tests: one Gateway, one Service, one route to it.

export interface EdgeOptions {
  readonly port: number;
  readonly listener?: string;
}

/** A Gateway `edge` with one listener, `http` unless it is named. */
export function gatewayYaml({ port, listener = "http" }: EdgeOptions): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners:
    - {name: ${listener}, protocol: HTTP, port: ${port}}
`;
}

/** A route for everything to the Service `sample`, and its endpoints on 127.0.0.1. */
export function sampleYaml(endpointPorts: readonly number[]): string {
  const slices = endpointPorts.map(
    (port, index) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: sample-${index + 1}
  labels: {kubernetes.io/service-name: sample}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: ["127.0.0.1"], conditions: {ready: true}}]
`,
  );
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: sample, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: sample}
spec: {ports: [{name: http, port: 80}]}
${slices.join("")}`;
}
