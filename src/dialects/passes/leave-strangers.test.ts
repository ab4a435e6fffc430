// Of whose objects a cluster's translation speaks.
import { expect, test } from "vitest";
import { makeAuthority } from "../../../test/support/certificates.ts";
import type { TranslationMemory } from "../memory.ts";
import { translate } from "../translate.ts";
import { readResources } from "../yaml/read-resources.ts";

const CONTROLLER = "limpet.dev/gateway";

const OURS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: limpet}
spec: {controllerName: ${CONTROLLER}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners:
    - {name: http, port: 80, protocol: HTTP}
    - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: ours}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: ours, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: ours}]
  validation: {hostname: shop.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ours}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: elsewhere}
spec: {parentRefs: [{name: elsewhere}], rules: [{backendRefs: [{name: theirs, port: 80}]}]}
`;

/** Each is in error, or says what is not honoured. */
const sharedObjects = (name: string, authorities = "none") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {sessionAffinity: ClientIP, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv5
endpoints: []
---
apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: kubernetes.io/tls
data: {tls.crt: "", tls.key: ""}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}}
data: {ca.crt: ${JSON.stringify(authorities)}}
`;

const POD = `
apiVersion: v1
kind: Pod
metadata: {name: theirs, annotations: {limpet.dev/drain: perhaps}}
spec: {}
`;

function told(texts: readonly string[], controllerName?: string, memory?: TranslationMemory) {
  const resources = readResources("f.yaml", texts.join("---")).resources;
  const options = controllerName === undefined ? {} : { controllerName };
  const translation = translate([...resources], options, memory);
  const shared = ["Service", "EndpointSlice", "Secret", "ConfigMap", "Pod"];
  const objects = translation.findings
    .filter(({ object }) => shared.includes(object?.kind ?? ""))
    .map(({ object }) => `${object?.kind}/${object?.name}`);
  return { objects: [...new Set(objects)].sort(), memory: translation.memory };
}

const all = (name: string) => [
  `ConfigMap/${name}`,
  `EndpointSlice/${name}-1`,
  `Secret/${name}`,
  `Service/${name}`,
];

test("in a cluster those that a Gateway of ours leads to are spoken of, and no others", () => {
  const { objects } = told([OURS, sharedObjects("ours"), sharedObjects("theirs")], CONTROLLER);
  expect(objects).toEqual(all("ours"));
});

test("whose last good form goes on is spoken of too", () => {
  const { certificate } = makeAuthority({ name: "Test authority" });
  const before = told([OURS, sharedObjects("ours", certificate)], CONTROLLER);
  expect(before.objects).not.toContain("ConfigMap/ours");
  const after = told([OURS, sharedObjects("ours"), sharedObjects("theirs")], CONTROLLER, before.memory);
  expect(after.objects).toEqual(all("ours"));
});

test("an annotation of ours is spoken of wherever it stands", () => {
  expect(told([OURS, POD], CONTROLLER).objects).toContain("Pod/theirs");
});

test("from files all are spoken of", () => {
  const { objects } = told([OURS, sharedObjects("ours"), sharedObjects("theirs")]);
  expect(objects).toEqual([...all("ours"), ...all("theirs")].sort());
});
