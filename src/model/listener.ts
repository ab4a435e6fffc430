// Where clients come in: address, port, protocol and hostname of a Gateway listener.
import type { ObjectRef } from "./object-ref.ts";
import type { Certificate, ListenerTls } from "./tls.ts";

export interface Listener {
  /** `Gateway/default/edge/http`: key in the snapshot, label in logs and metrics. */
  readonly id: string;
  readonly gateway: ObjectRef;
  readonly name: string;
  /** IP addresses to bind; empty: the default address of the process. */
  readonly addresses: readonly string[];
  /** Where clients believe they connect: the port of routes, redirects and logs. */
  readonly port: number;
  /** The port to bind; undefined: `port`. Something in front (a Service) leads there from `port`. */
  readonly bindPort?: number;
  /** `TLS`: passed on by server name, whatever is spoken inside. Only HTTPS and TLS may share a port. */
  readonly protocol: "HTTP" | "HTTPS" | "TLS";
  /** Set where TLS ends here: with the protocol HTTPS always; with TLS, what is passed on is decrypted then. */
  readonly tls?: ListenerTls;
  /** Shown to endpoints that are spoken to over TLS (Gateway API `tls.backend.clientCertificateRef`). */
  readonly backendCertificate?: Certificate;
  /** Exact or `*.`-wildcard, lower case; undefined: all. */
  readonly hostname?: string;
}
