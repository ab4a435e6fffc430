// The border between protocols and the pipeline: one exchange with a client, one with an endpoint, in neutral words.
import type { RequestHead, ResponseHead } from "../model/index.ts";
import type { ProxyError } from "./proxy-error.ts";
import type { ErrorCode } from "./respond.ts";

/** Bytes that are valid during the call only: whoever keeps them copies them. */
export type BodyChunk = Uint8Array;

/** Trailer fields, flat: name, value, name, value; end-to-end fields only. */
export type Trailers = readonly string[];

/** Receives a body that is pushed. */
export interface BodySink {
  onData(chunk: BodyChunk): void;
  /** Once: the whole body has come. A response without a body ends too, a request without one says nothing. */
  onEnd(trailers: Trailers): void;
}

/** Sends a body. `write` answers false when the peer is slower: wait for the `onDrain` of the sink that goes with it. */
export interface BodyWriter {
  write(chunk: BodyChunk): boolean;
  /** Where there is no body (length 0, HEAD, 204, 304) it has ended by itself, and this does nothing. */
  end(trailers: Trailers): void;
}

/** How long a body is: a byte count, or -1 where only its end will tell. 0: there is none. */
export type BodyLength = number;

export interface ConnectionInfo {
  /** `ip:port`, IPv6 in brackets, IPv4-mapped addresses as IPv4. */
  readonly peerAddress: string;
  readonly peerIp: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly tls: boolean;
  /** What the handshake settled; absent on a plain connection. */
  readonly handshake?: TlsHandshake;
}

/** What is known of a client that speaks TLS. */
export interface TlsHandshake {
  /** The name that the client asked for (SNI), lower case; undefined: none. */
  readonly serverName: string | undefined;
  /** Id of the listener that the server name chose: requests for a host of another listener get 421. */
  readonly listener: string;
  /** `TLSv1.3`. */
  readonly version: string;
  /** A session was taken up again, without certificates. */
  readonly resumed: boolean;
  /** Whether the certificate that was shown has a name for this host (lower case, without port). */
  covers(host: string): boolean;
}

/** Both ends of a byte tunnel after a 101; spliced with back-pressure. */
export interface Tunnel {
  /** Written bytes that the peer has not taken yet. */
  readonly waitingBytes: number;
  write(chunk: BodyChunk): boolean;
  end(): void;
  destroy(): void;
  pause(): void;
  resume(): void;
  /** Set once by the splicer. */
  handlers: {
    onData(chunk: BodyChunk): void;
    onDrain(): void;
    onEnd(): void;
    /** @param error what closed it, where that is neither side's wish */
    onClose(error?: ErrorCode): void;
  } | null;
}

/**
 * One request of a client. The protocol calls the handlers, the pipeline calls the methods. Limits and timeouts of heads
 * and bodies are the protocol's: what exceeds them it answers by itself and says `onRejected` or `onAbort`.
 */
export interface ServerStream extends BodyWriter {
  readonly head: RequestHead;
  readonly connection: ConnectionInfo;
  /** `HTTP/1.1`, `HTTP/1.0`: for the log. */
  readonly protocol: string;
  readonly bodyLength: BodyLength;
  /** Lower-case protocol of an upgrade request, such as `websocket`. */
  readonly upgrade: string | undefined;
  /** The client waits for a 100 before it sends the body. */
  readonly expectContinue: boolean;
  /** Body bytes received and sent so far, without framing. */
  readonly bytesIn: number;
  readonly bytesOut: number;

  /** Set by the pipeline before it returns from `onRequest`; nothing of the body is pushed before `resumeBody`. */
  handlers: ServerStreamHandlers | null;
  /** No further piece of the body is pushed before `resumeBody`; its end may be, once the last piece was. */
  pauseBody(): void;
  resumeBody(): void;

  /** Sends a 1xx other than 101. */
  inform(head: ResponseHead): void;
  /** Sends the head; `length` tells the framing, `bodyless` answers (HEAD, 204, 304) must not write. */
  respond(head: ResponseHead, length: BodyLength): void;
  /** Sends the 101 and hands over the raw bytes. */
  acceptUpgrade(head: ResponseHead): Tunnel;
  /** Gives the stream up: before the head an answer is possible elsewhere, after it the client sees a truncated body. */
  abort(error: ProxyError): void;
}

export interface ServerStreamHandlers extends BodySink {
  /** The client takes bytes again. */
  onDrain(): void;
  /** The client went away, timed out or broke the protocol before the exchange was over. */
  onAbort(error: ProxyError): void;
}

/** One request towards an endpoint. */
export interface ClientStream extends BodyWriter {
  pauseBody(): void;
  resumeBody(): void;
  /** Ends the exchange and never uses its connection again. */
  abort(): void;
  /** The connection had served another request before: a death before any byte may be retried. */
  readonly reused: boolean;
}

export interface ClientStreamHandlers extends BodySink {
  onInform(head: ResponseHead): void;
  onHead(head: ResponseHead, length: BodyLength): void;
  onUpgrade(head: ResponseHead, tunnel: Tunnel): void;
  /** The endpoint takes bytes of the request body again. */
  onDrain(): void;
  onError(error: ProxyError): void;
}

/** What is sent upstream: the received head with its edits, and the framing of its body. */
export interface UpstreamRequest {
  readonly head: RequestHead;
  /** Path and query to send: dot segments resolved, filters applied. */
  readonly path: string;
  readonly bodyLength: BodyLength;
  readonly upgrade: string | undefined;
}

/** The pipeline, as a protocol sees it. */
export interface RequestHandler {
  onRequest(stream: ServerStream): void;
  /** A request that never became one: the codec has answered it by itself; for log and metrics. */
  onRejected(connection: ConnectionInfo, error: ProxyError, status: number): void;
}
