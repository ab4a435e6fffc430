// One request towards an endpoint on an HTTP/1.1 connection, as the pipeline holds it.
import type { BodyChunk, ClientStream, ClientStreamHandlers, Trailers } from "../stream.ts";

/** What a stream asks of its connection; each call is a no-op for a stream whose exchange is over. */
export interface ClientStreamOwner {
  pauseBody(stream: Http1ClientStream): void;
  resumeBody(stream: Http1ClientStream): void;
  write(stream: Http1ClientStream, chunk: BodyChunk): boolean;
  end(stream: Http1ClientStream, trailers: Trailers): void;
  abort(stream: Http1ClientStream): void;
}

/** Lives as long as its exchange: a late call on it can never reach the next one on the connection. */
export class Http1ClientStream implements ClientStream {
  readonly reused: boolean;
  readonly handlers: ClientStreamHandlers;
  /** The protocol that the request asks to change to. */
  readonly upgrade: string | undefined;
  readonly #owner: ClientStreamOwner;

  constructor(
    owner: ClientStreamOwner,
    handlers: ClientStreamHandlers,
    reused: boolean,
    upgrade: string | undefined,
  ) {
    this.#owner = owner;
    this.handlers = handlers;
    this.reused = reused;
    this.upgrade = upgrade;
  }

  pauseBody(): void {
    this.#owner.pauseBody(this);
  }

  resumeBody(): void {
    this.#owner.resumeBody(this);
  }

  write(chunk: BodyChunk): boolean {
    return this.#owner.write(this, chunk);
  }

  end(trailers: Trailers): void {
    this.#owner.end(this, trailers);
  }

  abort(): void {
    this.#owner.abort(this);
  }
}
