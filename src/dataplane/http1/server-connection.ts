// One HTTP/1.1 connection of a client: reads requests one after the other and sends the answers in the same order.
import type { Socket } from "node:net";
import type { ResponseHead } from "../../model/index.ts";
import type { DataplaneOptions } from "../options.ts";
import { ProxyError } from "../proxy-error.ts";
import type { BodyChunk, BodyLength, ConnectionInfo, RequestHandler, Trailers, Tunnel } from "../stream.ts";
import { BodyReader } from "./body-reader.ts";
import { BodyWriter } from "./body-writer.ts";
import type { DeadlineSweep, Swept } from "./deadline-sweep.ts";
import { HeadReader } from "./head-reader.ts";
import { type ConnectionOption, writeResponseHead, writeUpgradeHead } from "./head-writer.ts";
import { httpDate } from "./http-date.ts";
import { MessageError, malformed, REFUSAL_STATUS } from "./message-error.ts";
import { Outlet } from "./outlet.ts";
import { connectionInfo } from "./peer-address.ts";
import { refusalText } from "./refusal.ts";
import { parseRequestHead } from "./request-head.ts";
import { UNTIL_CLOSE } from "./response-head.ts";
import { Http1ServerStream, type ServerStreamOwner } from "./server-stream.ts";
import { SocketTunnel } from "./socket-tunnel.ts";
import { queueSize } from "./write-progress.ts";

/** So much of a body that nobody wants any more is read for the sake of the connection; with more it closes. */
const MAX_DISCARDED = 256 * 1024;
/** How long a connection that has said its last word listens on, so that the client can read it (RFC 9112 section 9.6). */
const LINGER_MS = 2_000;

/**
 * head: waiting for a request or reading its head; exchange: from the head to the end of request and response;
 * lingering: the last answer is sent, what still arrives is thrown away; tunnel; closed.
 */
type Phase = "head" | "exchange" | "lingering" | "tunnel" | "closed";

export interface ServerContext {
  readonly handler: RequestHandler;
  readonly options: DataplaneOptions;
  readonly sweep: DeadlineSweep;
  closed(connection: ServerConnection): void;
}

export class ServerConnection implements ServerStreamOwner, Swept {
  readonly #socket: Socket;
  readonly #context: ServerContext;
  readonly #info: ConnectionInfo;
  readonly #outlet: Outlet;
  readonly #headReader: HeadReader;
  readonly #body: BodyReader;
  readonly #writer: BodyWriter;
  #phase: Phase = "head";
  #stream: Http1ServerStream | undefined;
  #tunnel: SocketTunnel | undefined;
  /** Received and not consumed yet; while there is some the socket is paused. */
  #input: Buffer | undefined;
  #inputAt = 0;
  #pumping = false;
  /** The next request waits for its turn, so that a client who pipelines does not starve the others. */
  #waitsForTurn = false;
  #bodyPaused = false;
  #bodyEnded = false;
  #discarding = false;
  #discarded = 0;
  #continued = false;
  #responded = false;
  #responseEnded = false;
  #persistent = true;
  #draining = false;
  #served = 0;
  /** What the sweep compares: since when the connection waits for bytes, and for the client to take some. */
  #sinceMs: number;
  #writeSinceMs = 0;
  #queued = 0;

  constructor(socket: Socket, context: ServerContext) {
    this.#socket = socket;
    this.#context = context;
    this.#info = connectionInfo(socket);
    this.#outlet = new Outlet(socket);
    this.#headReader = new HeadReader(context.options.maxHeadSize);
    this.#body = new BodyReader(context.options);
    this.#writer = new BodyWriter(this.#outlet);
    this.#sinceMs = context.sweep.stampMs;
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#closed());
    context.sweep.add(this);
  }

  /** Closes once the exchange under way is over; at once if there is none. */
  drain(): void {
    this.#draining = true;
    if (this.#phase === "head" && !this.#headReader.pending && this.#input === undefined) this.#linger();
  }

  destroy(): void {
    this.#abandon(new ProxyError("draining", "internal", "the gateway gives its clients no more time"));
    this.#socket.destroy();
  }

  // What arrives.

  #receive(chunk: Buffer): void {
    if (this.#phase === "tunnel") {
      this.#tunnel?.receive(chunk);
    } else if (this.#phase === "head" || this.#phase === "exchange") {
      this.#takeIn(chunk);
      this.#pump();
    }
  }

  #takeIn(chunk: Buffer): void {
    this.#input =
      this.#input === undefined ? chunk : Buffer.concat([this.#input.subarray(this.#inputAt), chunk]);
    this.#inputAt = 0;
  }

  /** Works through the input as far as it may; what is left waits, and the socket with it. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#input !== undefined && this.#step(this.#input)) {}
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#refuse(error);
    } finally {
      this.#pumping = false;
    }
    if (this.#phase === "tunnel") return;
    if (this.#input === undefined) this.#socket.resume();
    else this.#socket.pause();
  }

  /** False: nothing more can be done with the input for now. */
  #step(input: Buffer): boolean {
    if (this.#phase === "head") return !this.#waitsForTurn && this.#readHead(input);
    if (this.#phase !== "exchange" || this.#body.done || this.#bodyPaused) return false;
    this.#sinceMs = this.#context.sweep.stampMs;
    const body = this.#body;
    this.#advance(input, body.read(input, this.#inputAt));
    if (body.dataEnd > body.dataStart) this.#pushData(input, body.dataStart, body.dataEnd);
    if (body.done) this.#endBody();
    return true;
  }

  #advance(input: Buffer, to: number): void {
    this.#inputAt = to;
    if (to >= input.length) {
      this.#input = undefined;
      this.#inputAt = 0;
    }
  }

  #readHead(input: Buffer): boolean {
    const reader = this.#headReader;
    const { options, sweep } = this.#context;
    if (!reader.pending && this.#served > 0) this.#sinceMs = sweep.stampMs;
    const to = reader.read(input, this.#inputAt);
    this.#advance(input, to === -1 ? input.length : to);
    if (to === -1) return false;
    const scheme = this.#info.tls ? "https" : "http";
    const head = parseRequestHead(reader.text, reader.start, reader.end, options.maxHeaders, scheme);
    if (reader.faulty) throw malformed("the head holds a line that does not end with CRLF");
    reader.reset();
    this.#body.begin(head.bodyLength);
    this.#beginExchange(new Http1ServerStream(this, this.#info, head));
    return true;
  }

  #beginExchange(stream: Http1ServerStream): void {
    this.#phase = "exchange";
    this.#stream = stream;
    this.#served += 1;
    this.#persistent = stream.head.persistent;
    this.#bodyPaused = !this.#body.done;
    this.#bodyEnded = this.#body.done;
    this.#discarding = false;
    this.#discarded = 0;
    this.#continued = false;
    this.#responded = false;
    this.#responseEnded = false;
    this.#context.handler.onRequest(stream);
  }

  #pushData(input: Buffer, start: number, end: number): void {
    const stream = this.#stream;
    if (stream !== undefined && !this.#discarding) {
      stream.bytesIn += end - start;
      stream.handlers?.onData(start === 0 && end === input.length ? input : input.subarray(start, end));
      return;
    }
    this.#discarded += end - start;
    if (this.#discarded > MAX_DISCARDED) this.#linger();
  }

  #endBody(): void {
    if (this.#bodyEnded || this.#phase !== "exchange") return;
    this.#bodyEnded = true;
    if (!this.#discarding) this.#stream?.handlers?.onEnd(this.#body.trailers);
    this.#finish();
  }

  #drained(): void {
    if (this.#phase === "tunnel") this.#tunnel?.drained();
    else if (this.#phase === "exchange" && !this.#responseEnded) this.#stream?.handlers?.onDrain();
  }

  /** The client sends no more. Until its exchange is over that means that it has gone: most clients never half-close. */
  #ended(): void {
    if (this.#phase === "tunnel") this.#tunnel?.ended();
    else if (this.#phase === "exchange" && this.#responseEnded) this.#linger();
    else if (this.#phase === "head" || this.#phase === "lingering") this.#socket.destroySoon();
    else this.#abandon(new ProxyError("client-closed", "downstream", "the client closed its connection"));
  }

  #closed(): void {
    this.#abandon(new ProxyError("client-closed", "downstream", "the connection to the client was lost"));
    this.#phase = "closed";
    this.#context.sweep.delete(this);
    this.#tunnel?.closed();
    this.#context.closed(this);
  }

  // What goes wrong.

  /** Answers what the codec does not let through, if an answer is still possible, and ends the connection. */
  #refuse(error: MessageError): void {
    const status = REFUSAL_STATUS[error.code];
    const stream = this.#stream;
    if (!this.#responded) {
      this.#outlet.text(
        refusalText(error, httpDate(this.#context.sweep.wallMs), stream?.head.method === "HEAD"),
      );
    }
    const cut = this.#responded && !this.#responseEnded;
    this.#dropExchange(error.on("downstream"));
    if (stream === undefined) this.#context.handler.onRejected(this.#info, error.on("downstream"), status);
    if (cut) this.#cutOff();
    else this.#linger();
  }

  /** Ends an exchange whose client cannot be answered any more. */
  #abandon(error: ProxyError): void {
    this.#dropExchange(error);
    if (this.#phase !== "closed" && this.#phase !== "tunnel") this.#socket.destroy();
  }

  #dropExchange(error: ProxyError): void {
    const stream = this.#stream;
    const open = stream !== undefined && !(this.#responseEnded && this.#bodyEnded);
    this.#stream = undefined;
    this.#input = undefined;
    this.#inputAt = 0;
    this.#writer.abandon();
    if (open && !this.#responseEnded) stream.handlers?.onAbort(error);
  }

  /** Closes so that the client sees that its response is not whole. */
  #cutOff(): void {
    this.#outlet.flush();
    this.#phase = "lingering";
    this.#sinceMs = this.#context.sweep.stampMs;
    if (this.#writer.untilClose) this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
  }

  /** Says the last word and listens on for a while: closing with unread bytes would take the answer from the client. */
  #linger(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#phase = "lingering";
    this.#stream = undefined;
    this.#input = undefined;
    this.#sinceMs = this.#context.sweep.stampMs;
    this.#outlet.flush();
    this.#socket.end();
    this.#socket.resume();
    if (this.#socket.readableEnded) this.#socket.destroySoon();
  }

  sweep(nowMs: number): void {
    const { options } = this.#context;
    if (this.#phase === "lingering") {
      this.#sweepLingering(nowMs, options);
    } else if (this.#phase === "head") {
      this.#sweepHead(nowMs, options);
    } else if (this.#phase === "exchange") {
      if (this.#isStuck(nowMs, options.writeTimeoutMs)) {
        this.#abandon(
          new ProxyError("write-timeout", "downstream", "the client takes no byte of its response"),
        );
      } else if (!this.#bodyEnded && !this.#bodyPaused) {
        if (nowMs - this.#sinceMs > options.requestBodyTimeoutMs) {
          this.#refuse(new MessageError("request-timeout", "the body did not arrive in time"));
        }
      }
    }
  }

  #sweepLingering(nowMs: number, options: DataplaneOptions): void {
    if (queueSize(this.#socket) > 0) {
      this.#sinceMs = nowMs;
      if (this.#isStuck(nowMs, options.writeTimeoutMs)) this.#socket.destroy();
    } else if (nowMs - this.#sinceMs > LINGER_MS) this.#socket.destroy();
  }

  #sweepHead(nowMs: number, options: DataplaneOptions): void {
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#headReader.pending || this.#served === 0) {
      if (waitedMs <= options.requestHeadTimeoutMs) return;
      if (this.#headReader.pending) {
        this.#refuse(new MessageError("request-timeout", "the head did not arrive in time"));
      } else this.#linger();
    } else if (waitedMs > options.idleTimeoutMs && this.#input === undefined) this.#linger();
  }

  /** Bytes wait for the client, and it has taken none for so long. */
  #isStuck(nowMs: number, timeoutMs: number): boolean {
    const queued = queueSize(this.#socket);
    if (queued === 0 || queued !== this.#queued) {
      this.#queued = queued;
      this.#writeSinceMs = nowMs;
      return false;
    }
    return nowMs - this.#writeSinceMs > timeoutMs;
  }

  // What the pipeline asks for.

  pauseBody(stream: Http1ServerStream): void {
    if (stream === this.#stream && !this.#discarding) this.#bodyPaused = true;
  }

  resumeBody(stream: Http1ServerStream): void {
    if (stream !== this.#stream || this.#bodyEnded) return;
    if (stream.expectContinue && !this.#continued && !this.#responded && this.#body.received === 0) {
      this.#continued = true;
      this.#outlet.text("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (!this.#bodyPaused) return;
    this.#bodyPaused = false;
    this.#sinceMs = this.#context.sweep.stampMs;
    this.#pump();
  }

  inform(stream: Http1ServerStream, head: ResponseHead): void {
    if (stream !== this.#stream || this.#responded || stream.head.minorVersion === 0) return;
    if (head.status <= 100 || head.status === 101 || head.status >= 200) return;
    this.#outlet.text(writeResponseHead(head, 0, true, "", ""));
  }

  respond(stream: Http1ServerStream, head: ResponseHead, length: BodyLength): void {
    if (stream !== this.#stream || this.#responded) return;
    this.#responded = true;
    const isOld = stream.head.minorVersion === 0;
    const bodyless = stream.head.method === "HEAD" || head.status === 204 || head.status === 304;
    const framed = bodyless ? 0 : length === -1 && isOld ? UNTIL_CLOSE : length;
    // A client that waits for its 100 may send the body or not after a final answer: nobody can tell the next request.
    const unasked = stream.expectContinue && !this.#continued && !this.#bodyEnded;
    if (framed === UNTIL_CLOSE || unasked || this.#draining) this.#persistent = false;
    const option: ConnectionOption = !this.#persistent ? "close" : isOld ? "keep-alive" : "";
    const date = httpDate(this.#context.sweep.wallMs);
    this.#outlet.text(writeResponseHead(head, framed, bodyless, option, date));
    this.#writer.begin(framed);
    if (framed === 0) this.end(stream, []);
  }

  write(stream: Http1ServerStream, chunk: BodyChunk): boolean {
    if (stream !== this.#stream || this.#responseEnded) return true;
    const takesMore = this.#writer.write(chunk);
    stream.bytesOut = this.#writer.sent;
    return takesMore;
  }

  end(stream: Http1ServerStream, trailers: Trailers): void {
    if (stream !== this.#stream || !this.#responded || this.#responseEnded) return;
    const isWhole = this.#writer.end(trailers);
    this.#outlet.flush();
    this.#responseEnded = true;
    if (!isWhole) {
      this.#stream = undefined;
      this.#cutOff();
      return;
    }
    this.#finish();
  }

  acceptUpgrade(stream: Http1ServerStream, head: ResponseHead): Tunnel {
    const tunnel = new SocketTunnel(this.#socket, this.#outlet);
    if (stream !== this.#stream || this.#responded) {
      this.#socket.destroy();
      return tunnel;
    }
    this.#responded = true;
    this.#outlet.text(writeUpgradeHead(head, stream.upgrade ?? "websocket"));
    this.#phase = "tunnel";
    this.#tunnel = tunnel;
    this.#stream = undefined;
    if (this.#input !== undefined) tunnel.receive(this.#input.subarray(this.#inputAt));
    this.#input = undefined;
    return tunnel;
  }

  abort(stream: Http1ServerStream): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#input = undefined;
    if (this.#responded && !this.#responseEnded) this.#cutOff();
    else this.#socket.destroy();
  }

  /** After either direction has ended: the next request, or the end. */
  #finish(): void {
    if (!this.#responseEnded || this.#phase !== "exchange") return;
    if (!this.#persistent || this.#draining) {
      this.#linger();
    } else if (this.#bodyEnded) {
      this.#beginNext();
    } else if (!this.#discarding) {
      this.#discardBody();
    }
  }

  #beginNext(): void {
    this.#phase = "head";
    this.#stream = undefined;
    this.#responded = false;
    this.#responseEnded = false;
    this.#sinceMs = this.#context.sweep.stampMs;
    if (this.#input === undefined) return;
    this.#waitsForTurn = true;
    setImmediate(() => {
      this.#waitsForTurn = false;
      this.#pump();
    });
  }

  /** The response is over before the request: the rest is read and dropped if that is cheaper than a new connection. */
  #discardBody(): void {
    const { remaining } = this.#body;
    if (remaining !== Number.POSITIVE_INFINITY && remaining > MAX_DISCARDED) {
      this.#linger();
      return;
    }
    this.#discarding = true;
    this.#bodyPaused = false;
    this.#sinceMs = this.#context.sweep.stampMs;
    this.#pump();
  }
}
