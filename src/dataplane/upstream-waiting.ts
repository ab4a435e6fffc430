// A request that waits for a connection because its backend may have no more of them: keeps what is sent until it has one.
import type { Endpoint } from "../model/index.ts";
import { ProxyError } from "./proxy-error.ts";
import type { BodyChunk, ClientStream, ClientStreamHandlers, Trailers, UpstreamRequest } from "./stream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";
import type { EndpointConnections } from "./upstream-endpoint.ts";

/** What is asked for. */
export interface Wanted {
  readonly endpoint: Endpoint;
  /** Those that would serve; others once these are retired. */
  connections(): EndpointConnections;
}

/** Told when one gives up. */
export interface WaitingRoom {
  leave(waiting: WaitingRequest): void;
}

export class WaitingRequest implements UpstreamConnection, ClientStream {
  readonly wanted: Wanted;
  /** How many that came later were served before. */
  overtaken = 0;
  readonly #room: WaitingRoom;
  readonly #deadlineMs: number;
  #request: UpstreamRequest | undefined;
  #handlers: ClientStreamHandlers | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #trailers: Trailers | undefined;
  #stream: ClientStream | undefined;
  #connection: UpstreamConnection | undefined;

  /** @param deadlineMs when it has waited for too long */
  constructor(wanted: Wanted, room: WaitingRoom, deadlineMs: number) {
    this.wanted = wanted;
    this.#room = room;
    this.#deadlineMs = deadlineMs;
  }

  /** Bytes of the body that came while it waits. */
  get heldBytes(): number {
    return this.#held;
  }

  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.close();
  }

  // As a connection.

  send(request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream {
    this.#request = request;
    this.#handlers = handlers;
    return this;
  }

  /** Its turn has come. */
  begin(connection: UpstreamConnection): void {
    this.#connection = connection;
    const handlers = this.#handlers as ClientStreamHandlers;
    const stream = connection.send(this.#request as UpstreamRequest, handlers);
    this.#stream = stream;
    const wasHeld = this.#held > 0;
    let takesMore = true;
    for (const chunk of this.#chunks.splice(0)) takesMore = stream.write(chunk);
    this.#held = 0;
    if (this.#trailers !== undefined) stream.end(this.#trailers);
    else if (wasHeld && takesMore) process.nextTick(() => handlers.onDrain());
  }

  /** Ends with an error: it has waited for too long. */
  close(): void {
    if (this.#connection !== undefined) {
      this.#connection.close();
      return;
    }
    this.#room.leave(this);
    this.#handlers?.onError(busy("no connection to the backend became free in time"));
  }

  // As a stream.

  get reused(): boolean {
    return this.#stream?.reused ?? false;
  }

  write(chunk: BodyChunk): boolean {
    if (this.#stream !== undefined) return this.#stream.write(chunk);
    this.#chunks.push(Buffer.from(chunk));
    this.#held += chunk.length;
    return false;
  }

  end(trailers: Trailers): void {
    if (this.#stream === undefined) this.#trailers = trailers;
    else this.#stream.end(trailers);
  }

  pauseBody(): void {
    this.#stream?.pauseBody();
  }

  resumeBody(): void {
    this.#stream?.resumeBody();
  }

  abort(): void {
    if (this.#stream === undefined) this.#room.leave(this);
    else this.#stream.abort();
  }
}

/** Nothing was sent, but another try would find the backend as busy. */
export function busy(message: string): ProxyError {
  return new ProxyError("backend-busy", "upstream", message);
}
