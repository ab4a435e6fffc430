// Small configurations for end-to-end tests: one Gateway, one route, and Services with their endpoints.

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

export interface SliceOptions {
  readonly name: string;
  readonly service: string;
  readonly port: number;
  /** A list in YAML. */
  readonly endpoints: string;
}

/** An EndpointSlice, after the dashes that part it from what stands before. */
export function sliceYaml({ name, service, port, endpoints }: SliceOptions): string {
  return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: ${service}}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: ${endpoints}
`;
}

/**
 * A Service with port 80, after dashes, and an EndpointSlice NAME-1, NAME-2, ... for each of these ports.
 * @param endpointsOf of the slice of this name; one on 127.0.0.1 by default
 */
export function serviceYaml(
  name: string,
  endpointPorts: readonly number[],
  endpointsOf: (slice: string) => string = () => "[{addresses: [127.0.0.1], conditions: {ready: true}}]",
): string {
  const slices = endpointPorts.map((port, index) => {
    const slice = `${name}-${index + 1}`;
    return sliceYaml({ name: slice, service: name, port, endpoints: endpointsOf(slice) });
  });
  return `---
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {ports: [{name: http, port: 80}]}
${slices.join("")}`;
}

/** A route for everything to the Service `sample`, and its endpoints on 127.0.0.1. */
export function sampleYaml(endpointPorts: readonly number[]): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: sample, port: 80}]
${serviceYaml("sample", endpointPorts)}`;
}
