// `appProtocol` of a Service's port (GEP-1911): whether the gateway speaks it to the endpoints, and over what.

/**
 * - `http1`: HTTP/1.1 in plain text, WebSocket on it;
 * - `tls`: the same over TLS;
 * - `http2`: not spoken;
 * - `unknown`: none of HTTP's.
 */
export type SpokenProtocol = "http1" | "tls" | "http2" | "unknown";

/** IANA's names where HTTP has them, those of Kubernetes (KEP-3726), and what Istio takes beside. */
const PROTOCOLS: Readonly<Record<string, SpokenProtocol>> = {
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

/** A port that says nothing may speak HTTP/1.1, as GEP-1911 lets a gateway assume. */
export function spokenProtocol(appProtocol: string | undefined): SpokenProtocol {
  if (appProtocol === undefined || appProtocol === "") return "http1";
  const name = appProtocol.toLowerCase();
  return Object.hasOwn(PROTOCOLS, name) ? (PROTOCOLS[name] as SpokenProtocol) : "unknown";
}
