// Whatever dialect asks for TLS to endpoints: where it cannot be read as it stands, nobody is trusted and nothing is sent.
import { expect, test } from "vitest";
import { translate } from "./translate.ts";
import { readResources } from "./yaml/read-resources.ts";

const FRAME = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: carts}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [REF]}]}
---
`;

const SERVICE = "{name: carts, port: 80}";

test.each([
  [
    "a DestinationRule",
    SERVICE,
    "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: a}, spec: {host: carts, trafficPolicy: {tls: {mode: SIMPEL}}}}",
  ],
  [
    "a BackendConfigPolicy",
    SERVICE,
    '{apiVersion: gateway.kgateway.dev/v1alpha1, kind: BackendConfigPolicy, metadata: {name: a}, spec: {targetRefs: [{group: "", kind: Service, name: carts}], tls: yes}}',
  ],
  [
    "a Backend of Envoy Gateway",
    "{group: gateway.envoyproxy.io, kind: Backend, name: a}",
    "{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: Backend, metadata: {name: a}, spec: {endpoints: [{ip: {address: 10.0.0.1, port: 443}}], tls: [sni]}}",
  ],
  [
    "an Upstream of Gloo",
    "{group: gloo.solo.io, kind: Upstream, name: a}",
    "{apiVersion: gloo.solo.io/v1, kind: Upstream, metadata: {name: a}, spec: {static: {hosts: [{addr: 10.0.0.1, port: 80}]}, sslConfig: 1}}",
  ],
])("%s", (_, ref, object) => {
  const { resources } = readResources("in.yaml", `${FRAME.replace("REF", ref)}${object}`);
  const { snapshot, findings } = translate(resources);
  expect(findings.filter(({ severity }) => severity === "error")).not.toEqual([]);
  expect(snapshot.backends.map(({ tls }) => tls)).toEqual([{ subjectAltNames: [], trust: [] }]);
});
