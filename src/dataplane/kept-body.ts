// Keeps what came of a request's body, so that it can be sent once more; gives up on bodies that are too large for that.
import type { BodyChunk, BodySink, ClientStream, Trailers } from "./stream.ts";

/** The bytes that all kept bodies of a worker may take together. */
export class KeptBytes {
  held = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  take(size: number): boolean {
    if (this.held + size > this.#max) return false;
    this.held += size;
    return true;
  }
}

export class KeptBody implements BodySink {
  readonly #max: number;
  readonly #total: KeptBytes;
  #chunks: Buffer[] = [];
  #size = 0;
  #trailers: Trailers | undefined;
  #isWhole = true;

  /** @param max bytes of one body */
  constructor(max: number, total: KeptBytes) {
    this.#max = max;
    this.#total = total;
  }

  /** Nothing of it is missing, so far. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  onData(chunk: BodyChunk): void {
    if (!this.#isWhole) return;
    if (this.#size + chunk.length > this.#max || !this.#total.take(chunk.length)) {
      this.release();
      return;
    }
    this.#size += chunk.length;
    this.#chunks.push(Buffer.from(chunk));
  }

  onEnd(trailers: Trailers): void {
    this.#trailers = trailers;
  }

  /** It is not needed any more. */
  release(): void {
    this.#isWhole = false;
    this.#total.held -= this.#size;
    this.#size = 0;
    this.#chunks = [];
  }

  /** Sends all of it, and its end if that has come; false: the endpoint is slower. */
  sendTo(stream: ClientStream): boolean {
    let isFast = true;
    for (const chunk of this.#chunks) isFast = stream.write(chunk);
    if (this.#trailers !== undefined) stream.end(this.#trailers);
    return isFast;
  }
}
