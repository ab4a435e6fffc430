// The demo's configuration: one Gateway in front of the sample backend, with a rule for each kind of stickiness.

export interface DemoReplica {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** YAML for `limpet run -f`: sessions by cookie everywhere, by header and by hash below /anything. */
export function demoManifests(gatewayPort: number, replicas: readonly DemoReplica[]): string {
  return [
    gateway(gatewayPort),
    ROUTE,
    HASH_POLICY,
    ...["sample", "sample-hashed"].flatMap((service) => [
      serviceObject(service),
      ...replicas.map((replica) => endpointSlice(service, replica)),
    ]),
  ].join("---\n");
}

function gateway(port: number): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: demo
spec:
  gatewayClassName: limpet
  listeners:
    - name: http
      protocol: HTTP
      port: ${port}
`;
}

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: demo
spec:
  parentRefs:
    - name: demo
  rules:
    - name: session-cookie
      matches:
        - path: {type: PathPrefix, value: /}
      backendRefs:
        - name: sample
          port: 80
      sessionPersistence:
        type: Cookie
        cookie: {name: home}
    - name: session-header
      matches:
        - path: {type: PathPrefix, value: /anything/header}
      backendRefs:
        - name: sample
          port: 80
      sessionPersistence:
        type: Header
        header: {name: x-home}
    - name: hash
      matches:
        - path: {type: PathPrefix, value: /anything/hash}
      backendRefs:
        - name: sample-hashed
          port: 80
`;

const HASH_POLICY = `apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata:
  name: hash-by-user
spec:
  targetRefs:
    - group: ""
      kind: Service
      name: sample-hashed
  loadBalancer:
    maglev:
      hashPolicies:
        - header: {name: x-user}
`;

function serviceObject(name: string): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
    - name: http
      port: 80
`;
}

/** A slice for each replica, since each has a port of its own. */
function endpointSlice(service: string, replica: DemoReplica): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${service}-${replica.name}
  labels:
    kubernetes.io/service-name: ${service}
addressType: IPv4
ports:
  - name: http
    port: ${replica.port}
endpoints:
  - addresses: ["${replica.host}"]
    hostname: ${replica.name}
    conditions: {ready: true}
`;
}
