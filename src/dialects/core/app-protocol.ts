// `appProtocol` of a Service's port (GEP-1911): what the endpoints behind it speak.
import type { BackendProtocol } from "../dialect.ts";

/** IANA's names where HTTP has them, those of Kubernetes (KEP-3726), and what Istio and Envoy Gateway take beside. */
const KINDS: Readonly<Record<string, "http1" | "tls" | "http2">> = {
  http: "http1",
  "grpc-web": "http1",
  "kubernetes.io/ws": "http1",
  "gateway.envoyproxy.io/ws": "http1",
  https: "tls",
  "kubernetes.io/wss": "tls",
  "gateway.envoyproxy.io/wss": "tls",
  http2: "http2",
  h2c: "http2",
  grpc: "http2",
  "kubernetes.io/h2c": "http2",
  "gateway.envoyproxy.io/h2c": "http2",
};

/** Undefined: HTTP/1.1 in plain text, which GEP-1911 lets a gateway assume of a port that says nothing. */
export function backendProtocol(appProtocol: string | undefined): BackendProtocol | undefined {
  if (appProtocol === undefined || appProtocol === "") return undefined;
  const name = appProtocol.toLowerCase();
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : "other";
  return kind === "http1" || kind === undefined ? undefined : { name: appProtocol, kind };
}
