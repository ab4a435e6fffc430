// The answer to one request after the other: heads, framing and body, and whether the connection lives on.
import type { ResponseHead } from "../../model/index.ts";
import type { BodyChunk, BodyLength, Trailers } from "../stream.ts";
import { BodyWriter } from "./body-writer.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";
import { type ConnectionOption, writeResponseHead, writeUpgradeHead } from "./head-writer.ts";
import { httpDate } from "./http-date.ts";
import type { MessageError } from "./message-error.ts";
import type { Outlet } from "./outlet.ts";
import { refusalText } from "./refusal.ts";
import type { Http1RequestHead } from "./request-head.ts";
import { UNTIL_CLOSE } from "./response-head.ts";

export class ResponseSender {
  /** The final head is sent. */
  started = false;
  /** Nothing more follows. */
  ended = false;
  /** Another request may follow on the connection. */
  persistent = true;
  readonly #outlet: Outlet;
  readonly #writer: BodyWriter;
  readonly #sweep: DeadlineSweep;

  constructor(outlet: Outlet, sweep: DeadlineSweep) {
    this.#outlet = outlet;
    this.#writer = new BodyWriter(outlet);
    this.#sweep = sweep;
  }

  /** Bytes of body so far, without framing. */
  get sent(): number {
    return this.#writer.sent;
  }

  /** The client has seen a part of it. */
  get underWay(): boolean {
    return this.started && !this.ended;
  }

  /** Only the end of the connection tells the end of its body. */
  get untilClose(): boolean {
    return this.#writer.untilClose;
  }

  /** Makes ready for the answer to the next request. */
  reset(persistent: boolean): void {
    this.started = false;
    this.ended = false;
    this.persistent = persistent;
  }

  continue(): void {
    this.#outlet.text("HTTP/1.1 100 Continue\r\n\r\n");
  }

  /** A 1xx; HTTP/1.0 clients know none, and 100 and 101 have their own ways. */
  inform(request: Http1RequestHead, head: ResponseHead): void {
    if (this.started || request.minorVersion === 0) return;
    if (head.status <= 100 || head.status === 101 || head.status >= 200) return;
    this.#outlet.text(writeResponseHead(head, 0, true, "", this.#sweep));
  }

  /** Answers true when there is no body to wait for. */
  respond(request: Http1RequestHead, head: ResponseHead, length: BodyLength): boolean {
    this.started = true;
    const isOld = request.minorVersion === 0;
    const bodyless = request.method === "HEAD" || head.status === 204 || head.status === 304;
    const framed = bodyless ? 0 : length === -1 && isOld ? UNTIL_CLOSE : length;
    if (framed === UNTIL_CLOSE) this.persistent = false;
    const option: ConnectionOption = !this.persistent ? "close" : isOld ? "keep-alive" : "";
    this.#outlet.text(writeResponseHead(head, framed, bodyless, option, this.#sweep));
    this.#writer.begin(framed);
    return framed === 0;
  }

  upgrade(head: ResponseHead, protocol: string): void {
    this.started = true;
    this.ended = true;
    this.#outlet.text(writeUpgradeHead(head, protocol));
  }

  /** False: the client is slower. */
  write(chunk: BodyChunk): boolean {
    return this.#writer.write(chunk);
  }

  /** False: the body is not as long as announced. */
  end(trailers: Trailers): boolean {
    this.ended = true;
    const isWhole = this.#writer.end(trailers);
    return isWhole;
  }

  /** The codec's own answer, if none has begun. */
  refuse(error: MessageError, request: Http1RequestHead | undefined): void {
    if (!this.started)
      this.#outlet.text(refusalText(error, httpDate(this.#sweep.wallMs), request?.method === "HEAD"));
    this.#writer.abandon();
  }

  abandon(): void {
    this.#writer.abandon();
  }
}
