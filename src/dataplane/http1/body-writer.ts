// Puts the framing on a body: exactly so many bytes, chunks, or all until the connection closes.
import type { BodyChunk, BodyLength, Trailers } from "../stream.ts";
import { fieldKind } from "./field-kind.ts";
import { cleanFieldValue } from "./head-writer.ts";
import type { Outlet } from "./outlet.ts";
import { UNTIL_CLOSE } from "./response-head.ts";

/** One for each connection, used for one body after the other. */
export class BodyWriter {
  /** Bytes of body so far, without framing. */
  sent = 0;
  readonly #outlet: Outlet;
  #length: BodyLength = 0;
  #open = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** More of this body may be written. */
  get open(): boolean {
    return this.#open;
  }

  /** Only the end of the connection tells the end of the body. */
  get untilClose(): boolean {
    return this.#length === UNTIL_CLOSE;
  }

  /** `length`: bytes, -1 for chunks, UNTIL_CLOSE; 0 ends the body at once. */
  begin(length: BodyLength): void {
    this.sent = 0;
    this.#length = length;
    this.#open = length !== 0;
  }

  /** False: the peer is slower, wait for `drain`. Bytes beyond the announced length are dropped, `end` tells. */
  write(chunk: BodyChunk): boolean {
    if (!this.#open || chunk.length === 0) return true;
    if (this.#length === -1) this.#outlet.bytes(chunk, `${chunk.length.toString(16)}\r\n`, "\r\n");
    else if (this.#length === UNTIL_CLOSE) this.#outlet.bytes(chunk);
    else this.#outlet.bytes(chunk.length > this.#missing ? chunk.subarray(0, this.#missing) : chunk);
    this.sent += chunk.length;
    return !this.#outlet.saturated;
  }

  /** False: the body was not as long as announced, so that the connection must close. */
  end(trailers: Trailers): boolean {
    if (!this.#open) return true;
    this.#open = false;
    if (this.#length === -1) this.#outlet.text(`0\r\n${trailerLines(trailers)}\r\n`);
    return this.#length < 0 || this.sent === this.#length;
  }

  /** Sends no more of it, not even its end. */
  abandon(): void {
    this.#open = false;
  }

  get #missing(): number {
    return Math.max(0, this.#length - this.sent);
  }
}

function trailerLines(trailers: Trailers): string {
  let lines = "";
  for (let at = 0; at < trailers.length; at += 2) {
    const name = trailers[at] as string;
    if (fieldKind(name, 0, name.length) !== 0) continue;
    lines += `${name}: ${cleanFieldValue(trailers[at + 1] as string)}\r\n`;
  }
  return lines;
}
