// What the pool asks of a connection to an endpoint, whatever protocol it speaks.
import type { Endpoint } from "../model/index.ts";
import type { ClientStream, ClientStreamHandlers, UpstreamRequest } from "./stream.ts";

/** A connection that carries one exchange at a time. */
export interface UpstreamConnection {
  /**
   * Begins an exchange; allowed while still connecting, the request waits. A failure to connect reaches
   * `handlers.onError` with code `connect-failed` or `connect-timeout` and `retry: "yes"`.
   * Handlers are never called from within `send`.
   */
  send(request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream;
  /** Closes at once; an exchange under way ends with an error. */
  close(): void;
}

/** Told by the connection; every connection says `onClosed` exactly once, as soon as it can carry nothing more. */
export interface UpstreamConnectionOwner {
  /** The exchange is over in both directions and the connection can carry another one. */
  onIdle(connection: UpstreamConnection): void;
  /** It will carry no further exchange: closed, refused, upgraded to a tunnel or spoiled. */
  onClosed(connection: UpstreamConnection): void;
}

/** Opens a connection; returns before it is connected. TLS and HTTP/2 are other connectors. */
export type Connector = (endpoint: Endpoint, owner: UpstreamConnectionOwner) => UpstreamConnection;
