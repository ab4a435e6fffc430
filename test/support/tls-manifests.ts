// TLS in few words, as manifests: Secrets and authorities, a Gateway with HTTPS listeners, and Services behind BackendTLSPolicies.
import type { Issued } from "./certificates.ts";

/** JSON is YAML. */
export function documents(...objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join("\n---\n");
}

/** A Secret of type `kubernetes.io/tls`. */
export function certificateSecret(name: string, { chain, privateKey }: Issued): object {
  const stringData = { "tls.crt": chain, "tls.key": privateKey };
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, type: "kubernetes.io/tls", stringData };
}

/** A ConfigMap with authorities, PEM. */
export function authorities(name: string, certificates: string): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { "ca.crt": certificates } };
}

export interface HttpsListener {
  readonly name: string;
  readonly port: number;
  readonly hostname?: string;
  /** Names of Secrets. */
  readonly certificates: readonly string[];
  /** Keys and values of `tls.options`. */
  readonly options?: Readonly<Record<string, string>>;
}

export function httpsListener({ name, port, hostname, certificates, options }: HttpsListener): object {
  const certificateRefs = certificates.map((secret) => ({ name: secret }));
  return {
    name,
    port,
    protocol: "HTTPS",
    ...(hostname === undefined ? {} : { hostname }),
    tls: { certificateRefs, ...(options === undefined ? {} : { options }) },
  };
}

/** A Gateway `edge`. @param tls `spec.tls`: demands on clients, and what endpoints are shown */
export function edge(listeners: readonly object[], tls?: object): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge" },
    spec: { gatewayClassName: "limpet", listeners, ...(tls === undefined ? {} : { tls }) },
  };
}

export interface TlsService {
  readonly name: string;
  readonly endpointPorts: readonly number[];
  readonly appProtocol?: string;
  /** `spec.validation` of a BackendTLSPolicy for it. */
  readonly validation?: object;
}

/** A Service on port 443 with its endpoints on 127.0.0.1, and the policy that says whom to trust. */
export function tlsService({ name, endpointPorts, appProtocol, validation }: TlsService): object[] {
  const slices = endpointPorts.map((port, index) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-${index + 1}`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "main", port }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  }));
  const policy = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "BackendTLSPolicy",
    metadata: { name },
    spec: { targetRefs: [{ group: "", kind: "Service", name }], validation },
  };
  const port = { name: "main", port: 443, ...(appProtocol === undefined ? {} : { appProtocol }) };
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [port] } },
    ...slices,
    ...(validation === undefined ? [] : [policy]),
  ];
}

/** An HTTPRoute of the Gateway `edge`. @param more of its `spec` */
export function route(name: string, rules: readonly object[], more: object = {}): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: { parentRefs: [{ name: "edge" }], ...more, rules },
  };
}
