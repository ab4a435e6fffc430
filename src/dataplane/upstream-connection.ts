// What the pool asks of a connection to an endpoint, whatever protocol it speaks, and how it is opened.
import type { Endpoint } from "../model/index.ts";
import type { ClientStream, ClientStreamHandlers, UpstreamRequest } from "./stream.ts";
import type { TlsClient } from "./upstream-tls.ts";

/** A connection that carries one exchange at a time. */
export interface UpstreamConnection {
  /**
   * Begins an exchange; allowed while still connecting, the request waits. A failure to connect reaches
   * `handlers.onError` with a code of `ConnectFailure` and `retry: "yes"`.
   * Handlers are never called from within `send`.
   */
  send(request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream;
  /** Closes at once; an exchange under way ends with an error. */
  close(): void;
}

/** Why a connection could not be opened: the code of the error that its exchange gets. */
export type ConnectFailure = "connect-failed" | "connect-timeout" | "upstream-tls";

/** Told by the connection; every connection says `onClosed` exactly once, as soon as it carries nothing more. */
export interface UpstreamConnectionOwner {
  /**
   * The exchange is over in both directions and the connection can carry another one.
   * @param keptMs for so long the endpoint said that it keeps a silent connection; undefined: it did not say
   */
  onIdle(connection: UpstreamConnection, keptMs?: number): void;
  /** Closed, refused or spoiled; a tunnel is carried until it closes. `failure`: it could not be opened, for that cause. */
  onClosed(connection: UpstreamConnection, failure?: ConnectFailure, cause?: unknown): void;
}

/** How a connection is opened, beside where to. */
export interface Way {
  /** Undefined: plain TCP. */
  readonly tls: TlsClient | undefined;
  /** What is spoken inside TLS is not for us to say, so that ALPN offers nothing; undefined: HTTP/1.1. */
  readonly anyProtocol?: true;
  /** The session of the latest handshake, for the next one to resume; kept up by the connector. */
  tlsSession: Buffer | undefined;
  /** Goes out first and in clear text: a PROXY header. */
  readonly preface: Buffer | undefined;
  /** From the first packet to a connection that can carry a request, handshakes included; shorter once the endpoint is gone. */
  connectTimeoutMs: number;
  /** A connection is closed after so many exchanges. */
  readonly maxRequests: number;
}

/** Opens a connection; returns before it is connected. HTTP/2 is another connector. */
export type Connector = (endpoint: Endpoint, owner: UpstreamConnectionOwner, way: Way) => UpstreamConnection;

/** What most endpoints are spoken to by: TCP, no limits of their own. */
export function plainWay(connectTimeoutMs: number): Way {
  return {
    tls: undefined,
    tlsSession: undefined,
    preface: undefined,
    connectTimeoutMs,
    maxRequests: Number.POSITIVE_INFINITY,
  };
}
