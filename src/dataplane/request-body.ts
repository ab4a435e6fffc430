// The body of one request on its way upstream: how far it has come, what is kept for another try, and who gets a copy.
import { KeptBody, type KeptBytes } from "./kept-body.ts";
import type { BodyChunk, ClientStream, Trailers } from "./stream.ts";

/** Somebody who gets a copy of a body. */
export interface BodyCopy {
  takeData(chunk: BodyChunk): void;
  takeEnd(trailers: Trailers): void;
  /** No more of it comes, whether or not it has ended. */
  close(): void;
}

export class RequestBody {
  /** A part of it has come, and gone to an endpoint. */
  begun = false;
  /** All of it has come. */
  ended = false;
  #kept: KeptBody | undefined;
  #copies: readonly BodyCopy[] | undefined;

  copyTo(copies: readonly BodyCopy[]): void {
    this.#copies = copies;
  }

  /** Keeps what comes for another try, up to so many bytes. */
  keep(max: number, total: KeptBytes): void {
    if (!this.begun) this.#kept ??= new KeptBody(max, total);
  }

  /** It can be sent once more: nothing of it is gone. */
  get isReplayable(): boolean {
    return !this.begun || (this.#kept?.isWhole ?? false);
  }

  /** Sends on what comes; false: the endpoint is slower. */
  pass(chunk: BodyChunk, stream: ClientStream): boolean {
    this.begun = true;
    this.#kept?.onData(chunk);
    if (this.#copies !== undefined) for (const copy of this.#copies) copy.takeData(chunk);
    return stream.write(chunk);
  }

  /** @param stream undefined: between two attempts, of which the next one will get it */
  end(trailers: Trailers, stream: ClientStream | undefined): void {
    this.begun = true;
    this.ended = true;
    this.#kept?.onEnd(trailers);
    if (this.#copies !== undefined) for (const copy of this.#copies) copy.takeEnd(trailers);
    stream?.end(trailers);
  }

  /** Sends anew what came so far; false: the endpoint is slower. */
  replay(stream: ClientStream): boolean {
    return this.#kept?.sendTo(stream) ?? true;
  }

  /** There is no other try any more. */
  forget(): void {
    this.#kept?.release();
    this.#kept = undefined;
  }

  /** The exchange is over. */
  close(): void {
    this.ended = true;
    this.forget();
    if (this.#copies !== undefined) for (const copy of this.#copies) copy.close();
  }
}
