// Takes the framing off a body: so many bytes, chunks, or all until the connection closes.
import type { BodyLength, Trailers } from "../stream.ts";
import { CR, LF } from "./characters.ts";
import { ChunkLine } from "./chunk-line.ts";
import { HeadReader } from "./head-reader.ts";
import { MessageError, malformed } from "./message-error.ts";
import { UNTIL_CLOSE } from "./response-head.ts";
import { parseTrailers } from "./trailers.ts";

const NO_TRAILERS: Trailers = [];

type State =
  | "done"
  | "fixed"
  | "until-close"
  | "chunk-line"
  | "chunk-data"
  | "chunk-data-cr"
  | "chunk-data-lf"
  | "trailers-start"
  | "trailers-end-lf"
  | "trailers";

export interface BodyLimits {
  /** Bytes of trailers. */
  readonly maxHeadSize: number;
  readonly maxHeaders: number;
  /** Bytes of body; 0: no limit. */
  readonly maxBodySize: number;
}

/** One for each connection, used for one body after the other. */
export class BodyReader {
  /** The piece of body that `read` found in its chunk: [dataStart, dataEnd), empty if there was none. */
  dataStart = 0;
  dataEnd = 0;
  trailers: Trailers = NO_TRAILERS;
  /** Bytes of body so far, without framing. */
  received = 0;
  readonly #limits: BodyLimits;
  #state: State = "done";
  #remaining = 0;
  #line: ChunkLine | undefined;
  #trailerReader: HeadReader | undefined;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** Bytes that are known to be missing; Infinity where nobody knows. */
  get remaining(): number {
    if (this.#state === "done") return 0;
    return this.#state === "fixed" ? this.#remaining : Number.POSITIVE_INFINITY;
  }

  /** @throws MessageError when the length is beyond the limit already */
  begin(length: BodyLength): void {
    this.trailers = NO_TRAILERS;
    this.received = 0;
    this.dataStart = 0;
    this.dataEnd = 0;
    this.#remaining = length;
    if (length > 0) {
      this.#state = "fixed";
      if (this.#limits.maxBodySize > 0 && length > this.#limits.maxBodySize) throw this.#tooLarge();
    } else if (length === 0) this.#state = "done";
    else if (length === UNTIL_CLOSE) this.#state = "until-close";
    else this.#beginChunked();
  }

  #beginChunked(): void {
    this.#state = "chunk-line";
    this.#line ??= new ChunkLine();
    this.#line.reset();
  }

  /** The connection has closed; true: that was the end of the body, false: it is cut short. */
  endOfInput(): boolean {
    if (this.#state === "until-close") this.#state = "done";
    return this.#state === "done";
  }

  /**
   * Reads from `from` on, up to the end of one piece of data, of the body or of the chunk; answers the position.
   * @throws MessageError for framing that is not of the grammar, and past the limit
   */
  read(chunk: Buffer, from: number): number {
    let at = from;
    this.dataStart = from;
    this.dataEnd = from;
    while (at < chunk.length && this.#state !== "done") {
      switch (this.#state) {
        case "fixed":
        case "chunk-data":
        case "until-close":
          return this.#readData(chunk, at);
        case "chunk-line":
          if (this.#line?.push(chunk[at] as number)) this.#beginChunk(this.#line);
          at += 1;
          break;
        case "chunk-data-cr":
          this.#expect(chunk[at], CR, "chunk-data-lf");
          at += 1;
          break;
        case "chunk-data-lf":
          this.#expect(chunk[at], LF, "chunk-line");
          this.#line?.next();
          at += 1;
          break;
        case "trailers-start":
          if (chunk[at] === CR) {
            this.#state = "trailers-end-lf";
            at += 1;
          } else {
            this.#trailerReader = new HeadReader(this.#limits.maxHeadSize);
            this.#state = "trailers";
          }
          break;
        case "trailers-end-lf":
          this.#expect(chunk[at], LF, "done");
          at += 1;
          break;
        case "trailers":
          at = this.#readTrailers(chunk, at, this.#trailerReader as HeadReader);
          break;
      }
    }
    return at;
  }

  #readData(chunk: Buffer, from: number): number {
    const end = this.#state === "until-close" ? chunk.length : Math.min(chunk.length, from + this.#remaining);
    this.dataStart = from;
    this.dataEnd = end;
    this.received += end - from;
    if (this.#state === "until-close") return end;
    this.#remaining -= end - from;
    if (this.#remaining === 0) this.#state = this.#state === "fixed" ? "done" : "chunk-data-cr";
    return end;
  }

  #beginChunk(line: ChunkLine): void {
    this.#remaining = line.size;
    this.#state = line.size === 0 ? "trailers-start" : "chunk-data";
    if (this.#limits.maxBodySize > 0 && this.received + line.size > this.#limits.maxBodySize) {
      throw this.#tooLarge();
    }
  }

  #readTrailers(chunk: Buffer, from: number, reader: HeadReader): number {
    const at = reader.read(chunk, from);
    if (at === -1) return chunk.length;
    this.trailers = parseTrailers(reader.text, reader.start, reader.end, this.#limits.maxHeaders);
    this.#trailerReader = undefined;
    this.#state = "done";
    return at;
  }

  #expect(byte: number | undefined, expected: number, next: State): void {
    if (byte !== expected) throw malformed("a chunk is longer than its size says");
    this.#state = next;
  }

  #tooLarge(): MessageError {
    return new MessageError("body-too-large", `the body is longer than ${this.#limits.maxBodySize} bytes`);
  }
}
