// What the gateway of the soak serves: everything with and without TLS, sessions on one path, endpoints as they are just now.
import type { Issued } from "../support/certificates.ts";
import { serviceYaml } from "../support/manifests.ts";

/** The name that the certificates are for. */
export const SERVER_NAME = "soak.example";

export interface SoakState {
  readonly port: number;
  readonly tlsPort: number;
  /** Ports of the endpoints that are in. */
  readonly endpoints: readonly number[];
  /** Changes with each reload, so that each publishes something. */
  readonly revision: number;
}

/** A file of its own: it changes by itself. */
export function certificateYaml({ chain, privateKey }: Issued): string {
  const indented = (pem: string) => pem.trim().replaceAll(/^/gm, "    ");
  return `apiVersion: v1
kind: Secret
metadata: {name: soak-certificate}
type: kubernetes.io/tls
stringData:
  tls.crt: |
${indented(chain)}
  tls.key: |
${indented(privateKey)}
`;
}

export function soakYaml({ port, tlsPort, endpoints, revision }: SoakState): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners:
    - {name: http, protocol: HTTP, port: ${port}}
    - name: https
      protocol: HTTPS
      port: ${tlsPort}
      tls: {certificateRefs: [{name: soak-certificate}]}
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
${serviceYaml("soak", endpoints)}`;
}
