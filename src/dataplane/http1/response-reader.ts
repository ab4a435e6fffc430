// Reads what an endpoint answers: for each request interim heads, then a head and its body, or the switch to a tunnel.
import type { Trailers } from "../stream.ts";
import { BodyReader } from "./body-reader.ts";
import { HeadReader } from "./head-reader.ts";
import { malformed } from "./message-error.ts";
import { type Http1ResponseHead, parseResponseHead } from "./response-head.ts";

/** Interim responses before the final one; more are a flood. */
export const MAX_INTERIM = 16;

/** Told in the order of the bytes; may call `stop` in between, and hears nothing more of this response then. */
export interface ResponseSink {
  onInterimHead(head: Http1ResponseHead): void;
  /** A 101; `rest` belongs to the tunnel. All bytes are valid during the call only. */
  onSwitch(head: Http1ResponseHead, rest: Buffer): void;
  onFinalHead(head: Http1ResponseHead): void;
  onBody(piece: Buffer): void;
  /** `clean`: nothing followed, so that the connection may carry another one. */
  onResponseEnd(clean: boolean): void;
  /** Bytes came that answer nothing. */
  onExcess(): void;
}

export interface ResponseLimits {
  readonly maxHeadSize: number;
  readonly maxHeaders: number;
}

/** One for each connection. */
export class ResponseReader {
  /** Bytes of the response have arrived. */
  answered = false;
  readonly #sink: ResponseSink;
  readonly #maxHeaders: number;
  readonly #head: HeadReader;
  readonly #body: BodyReader;
  /** What the next bytes are. */
  #expects: "nothing" | "head" | "body" = "nothing";
  #toHead = false;
  #interim = 0;

  constructor(sink: ResponseSink, { maxHeadSize, maxHeaders }: ResponseLimits) {
    this.#sink = sink;
    this.#maxHeaders = maxHeaders;
    this.#head = new HeadReader(maxHeadSize);
    // Bodies of responses have no limit: they are streamed.
    this.#body = new BodyReader({ maxHeadSize, maxHeaders, maxBodySize: 0 });
  }

  get trailers(): Trailers {
    return this.#body.trailers;
  }

  /** @param toHead the request's method is HEAD */
  begin(toHead: boolean): void {
    this.#expects = "head";
    this.#toHead = toHead;
    this.#interim = 0;
    this.answered = false;
  }

  /** Nobody wants the rest of this response. */
  stop(): void {
    this.#expects = "nothing";
  }

  /** @throws MessageError for whatever is no response of RFC 9112 */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#expects === "head") at = this.#readHead(chunk, at);
      else if (this.#expects === "body") at = this.#readBody(chunk, at);
      else {
        this.#sink.onExcess();
        return;
      }
    }
  }

  /** The endpoint sends no more; true: that was the end of the body. */
  endOfInput(): boolean {
    return this.#expects === "body" && this.#body.endOfInput();
  }

  #readHead(chunk: Buffer, from: number): number {
    const reader = this.#head;
    this.answered = true;
    const to = reader.read(chunk, from);
    if (to === -1) return chunk.length;
    // From 0, not `start`: only clients may send an empty line before their message (RFC 9112 section 2.2).
    const head = parseResponseHead(reader.text, 0, reader.end, this.#maxHeaders, this.#toHead);
    if (reader.faulty) throw malformed("the head holds a line that does not end with CRLF");
    reader.reset();
    if (head.status === 101) {
      this.#expects = "nothing";
      this.#sink.onSwitch(head, chunk.subarray(to));
      return chunk.length;
    }
    if (head.status < 200) {
      this.#interim += 1;
      if (this.#interim > MAX_INTERIM) throw malformed(`more than ${MAX_INTERIM} interim responses`);
      this.#sink.onInterimHead(head);
      return to;
    }
    this.#expects = "body";
    this.#body.begin(head.bodyLength);
    this.#sink.onFinalHead(head);
    this.#endWhereDone(to === chunk.length);
    return to;
  }

  #readBody(chunk: Buffer, from: number): number {
    const body = this.#body;
    const to = body.read(chunk, from);
    const { dataStart, dataEnd } = body;
    if (dataEnd > dataStart) {
      this.#sink.onBody(
        dataStart === 0 && dataEnd === chunk.length ? chunk : chunk.subarray(dataStart, dataEnd),
      );
    }
    this.#endWhereDone(to === chunk.length);
    return to;
  }

  #endWhereDone(clean: boolean): void {
    if (!this.#body.done || this.#expects !== "body") return;
    this.#expects = "nothing";
    this.#sink.onResponseEnd(clean);
  }
}
