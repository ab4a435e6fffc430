// One HTTP/1.1 connection to an endpoint: sends one request at a time and reads its response.
import type { Socket } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import { ProxyError, type RetryVerdict } from "../proxy-error.ts";
import type { BodyChunk, ClientStream, ClientStreamHandlers, Trailers, UpstreamRequest } from "../stream.ts";
import type {
  ConnectFailure,
  UpstreamConnection,
  UpstreamConnectionOwner,
  Way,
} from "../upstream-connection.ts";
import { BodyReader } from "./body-reader.ts";
import { BodyWriter } from "./body-writer.ts";
import { type ClientStreamOwner, Http1ClientStream } from "./client-stream.ts";
import type { DeadlineSweep, Swept } from "./deadline-sweep.ts";
import { HeadReader } from "./head-reader.ts";
import { writeRequestHead } from "./head-writer.ts";
import { MessageError, malformed } from "./message-error.ts";
import { Outlet } from "./outlet.ts";
import { type Http1ResponseHead, parseResponseHead, UNTIL_CLOSE } from "./response-head.ts";
import { SocketTunnel } from "./socket-tunnel.ts";

/** Interim responses before the final one; more are a flood. */
export const MAX_INTERIM = 16;

/** idle: waiting for a request; head: for the head of its response; body; tunnel; closed: carries nothing more. */
type Phase = "idle" | "head" | "body" | "tunnel" | "closed";

export class ClientConnection implements UpstreamConnection, ClientStreamOwner, Swept {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #owner: UpstreamConnectionOwner;
  readonly #way: Way;
  readonly #options: DataplaneOptions;
  readonly #sweep: DeadlineSweep;
  readonly #outlet: Outlet;
  readonly #headReader: HeadReader;
  readonly #body: BodyReader;
  readonly #writer: BodyWriter;
  #phase: Phase = "idle";
  #stream: Http1ClientStream | undefined;
  #tunnel: SocketTunnel | undefined;
  /** A packet came back: what fails now, fails in the handshake. */
  #reached = false;
  #connected = false;
  #released = false;
  #served = 0;
  #interim = 0;
  /** Bytes of the response have arrived. */
  #answered = false;
  #persistent = true;
  #keptMs: number | undefined;
  #paused = false;
  #sinceMs: number;
  #cause: Error | undefined;

  /** @param address `ip:port`, for Host when the client named none, and for errors */
  constructor(
    socket: Socket,
    address: string,
    owner: UpstreamConnectionOwner,
    way: Way,
    options: DataplaneOptions,
    sweep: DeadlineSweep,
  ) {
    this.#socket = socket;
    this.#address = address;
    this.#owner = owner;
    this.#way = way;
    this.#options = options;
    this.#sweep = sweep;
    this.#outlet = new Outlet(socket);
    this.#headReader = new HeadReader(options.maxHeadSize);
    const { maxHeadSize, maxHeaders } = options;
    this.#body = new BodyReader({ maxHeadSize, maxHeaders, maxBodySize: 0 });
    this.#writer = new BodyWriter(this.#outlet);
    this.#sinceMs = sweep.stampMs;
    socket.on("connect", () => this.#onReached());
    if (way.tls !== undefined) {
      // Nothing may leave before we know whom it would reach.
      socket.cork();
      socket.on("secureConnect", () => this.#onConnect());
    }
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("error", (error: Error) => {
      this.#cause = error;
    });
    socket.on("close", () => this.#closed());
    sweep.add(this);
  }

  send(request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream {
    const { head } = request;
    const stream = new Http1ClientStream(
      this,
      handlers,
      this.#served > 0,
      head.method === "HEAD",
      request.upgrade,
    );
    if (this.#phase !== "idle") {
      process.nextTick(() => handlers.onError(this.#lost("the connection was closed", "reused-connection")));
      return stream;
    }
    this.#phase = "head";
    this.#stream = stream;
    this.#served += 1;
    this.#interim = 0;
    this.#answered = false;
    this.#paused = false;
    if (this.#connected) this.#sinceMs = this.#sweep.stampMs;
    this.#outlet.text(writeRequestHead(request, this.#address));
    this.#writer.begin(request.upgrade === undefined ? request.bodyLength : 0);
    return stream;
  }

  close(): void {
    this.#socket.destroy();
    // Before the `close` event: the pool must not hand it out meanwhile.
    if (this.#phase === "idle") {
      this.#phase = "closed";
      this.#release();
    }
  }

  /** The bytes are valid during the call only. */
  receive(chunk: Buffer): void {
    try {
      if (this.#phase === "tunnel") this.#tunnel?.receive(chunk);
      else this.#read(chunk);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#fail(error.on("upstream"));
    }
  }

  #read(chunk: Buffer): void {
    this.#sinceMs = this.#sweep.stampMs;
    let at = 0;
    while (at < chunk.length) {
      if (this.#phase === "head") at = this.#readHead(chunk, at);
      else if (this.#phase === "body") at = this.#readBody(chunk, at);
      else {
        // Bytes that belong to no response, or to one that nobody waits for: they must never meet the next request.
        if (this.#phase === "idle") this.close();
        return;
      }
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    const stream = this.#stream as Http1ClientStream;
    const reader = this.#headReader;
    this.#answered = true;
    const to = reader.read(chunk, from);
    if (to === -1) return chunk.length;
    // From 0, not `start`: only clients may send an empty line before their message (RFC 9112 section 2.2).
    const head = parseResponseHead(reader.text, 0, reader.end, this.#options.maxHeaders, stream.toHead);
    if (reader.faulty) throw malformed("the head holds a line that does not end with CRLF");
    reader.reset();
    if (head.status === 101) return this.#upgrade(stream, head, chunk, to);
    if (head.status < 200) {
      this.#interim += 1;
      if (this.#interim > MAX_INTERIM) throw malformed(`more than ${MAX_INTERIM} interim responses`);
      // The gateway deals with expectations by itself, so that a 100 is for nobody.
      if (head.status !== 100) stream.handlers.onInform(head);
      return to;
    }
    this.#phase = "body";
    this.#persistent = head.persistent;
    this.#keptMs = head.keptMs;
    this.#body.begin(head.bodyLength);
    stream.handlers.onHead(head, head.bodyLength === UNTIL_CLOSE ? -1 : head.bodyLength);
    if (this.#body.done) this.#complete(to === chunk.length);
    return to;
  }

  #readBody(chunk: Buffer, from: number): number {
    const body = this.#body;
    const to = body.read(chunk, from);
    if (body.dataEnd > body.dataStart) {
      const { dataStart, dataEnd } = body;
      const piece = dataStart === 0 && dataEnd === chunk.length ? chunk : chunk.subarray(dataStart, dataEnd);
      this.#stream?.handlers.onData(piece);
    }
    if (body.done) this.#complete(to === chunk.length);
    return to;
  }

  /** @param clean nothing followed the response: the connection may carry another one */
  #complete(clean: boolean): void {
    const stream = this.#stream;
    if (stream === undefined || this.#phase !== "body") return;
    const reusable =
      clean &&
      this.#persistent &&
      !this.#writer.open &&
      !this.#socket.readableEnded &&
      this.#served < this.#way.maxRequests;
    this.#stream = undefined;
    this.#writer.abandon();
    this.#resume();
    if (reusable) {
      this.#phase = "idle";
      this.#owner.onIdle(this, this.#keptMs);
    } else {
      this.#phase = "closed";
      this.#socket.destroy();
    }
    stream.handlers.onEnd(this.#body.trailers);
    if (!reusable) this.#release();
  }

  /** A 101 counts only where it was asked for, and for the same protocol. */
  #upgrade(stream: Http1ClientStream, head: Http1ResponseHead, chunk: Buffer, from: number): number {
    if (stream.upgrade === undefined || !head.upgradesToWebSocket) {
      throw malformed("the endpoint switches protocols unasked");
    }
    const tunnel = new SocketTunnel(this.#socket, this.#outlet);
    this.#phase = "tunnel";
    this.#tunnel = tunnel;
    this.#stream = undefined;
    if (from < chunk.length) tunnel.receive(chunk.subarray(from));
    stream.handlers.onUpgrade(head, tunnel);
    return chunk.length;
  }

  #onReached(): void {
    this.#reached = true;
    if (this.#way.tls === undefined) this.#onConnect();
  }

  #onConnect(): void {
    this.#connected = true;
    this.#sinceMs = this.#sweep.stampMs;
    if (this.#way.tls !== undefined) this.#socket.uncork();
  }

  #drained(): void {
    this.#sinceMs = this.#sweep.stampMs;
    if (this.#phase === "tunnel") this.#tunnel?.drained();
    else if (this.#writer.open) this.#stream?.handlers.onDrain();
  }

  #ended(): void {
    if (this.#phase === "tunnel") {
      this.#tunnel?.ended();
      return;
    }
    if (!this.#connected) this.#failConnect("upstream-tls", "the TLS handshake was cut short by");
    else if (this.#phase === "body" && this.#body.endOfInput()) this.#complete(false);
    else this.#failLost("the endpoint closed the connection");
  }

  #closed(): void {
    this.#sweep.delete(this);
    if (!this.#connected) {
      if (this.#reached) this.#failConnect("upstream-tls", "the TLS handshake failed with");
      else this.#failConnect("connect-failed", "cannot connect to");
    } else this.#failLost("the connection to the endpoint was lost");
    this.#tunnel?.closed();
    this.#release();
  }

  /** Bytes that the endpoint has not taken yet. */
  get heldBytes(): number {
    return this.#socket.writableLength;
  }

  sweep(nowMs: number): void {
    if (this.#stream === undefined) return;
    const waitedMs = nowMs - this.#sinceMs;
    if (!this.#connected) {
      if (waitedMs > this.#way.connectTimeoutMs)
        this.#failConnect("connect-timeout", "no connection in time to");
    } else if (!this.#paused && waitedMs > this.#options.upstreamResponseTimeoutMs) {
      this.#fail(new ProxyError("upstream-timeout", "upstream", `${this.#address} did not answer in time`));
    }
  }

  #failConnect(failure: ConnectFailure, message: string): void {
    const error = new ProxyError(failure, "upstream", `${message} ${this.#address}`, {
      retry: "yes",
      cause: this.#cause,
    });
    this.#fail(error, failure);
  }

  #failLost(message: string): void {
    if (this.#wasRefusedOverTls()) {
      const refusal = `${this.#address} refused the TLS connection`;
      const error = new ProxyError("upstream-tls", "upstream", refusal, { cause: this.#cause });
      this.#fail(error, "upstream-tls");
    } else this.#fail(this.#lost(message, this.#retry()));
  }

  /**
   * With TLS 1.3 our side of the handshake is done before the endpoint has seen our certificate: that it does not like
   * it comes as an alert, in place of the answer to the first request.
   */
  #wasRefusedOverTls(): boolean {
    const code = (this.#cause as NodeJS.ErrnoException | undefined)?.code;
    return this.#served <= 1 && !this.#answered && code?.startsWith("ERR_SSL_") === true;
  }

  /** Ends the exchange, if there is one, and the connection with it. */
  #fail(error: ProxyError, failure?: ConnectFailure): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (this.#phase !== "tunnel") {
      this.#phase = "closed";
      this.#writer.abandon();
      this.#socket.destroy();
      this.#release(failure);
    }
    stream?.handlers.onError(error);
  }

  #lost(message: string, retry: RetryVerdict): ProxyError {
    return new ProxyError("upstream-closed", "upstream", `${message} (${this.#address})`, {
      retry,
      cause: this.#cause,
    });
  }

  #retry(): RetryVerdict {
    return this.#stream?.reused === true && !this.#answered ? "reused-connection" : "never";
  }

  #release(failure?: ConnectFailure): void {
    if (this.#released) return;
    this.#released = true;
    this.#owner.onClosed(this, failure);
  }

  // What the pipeline asks for.

  pauseBody(stream: Http1ClientStream): void {
    if (stream !== this.#stream || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resumeBody(stream: Http1ClientStream): void {
    if (stream === this.#stream) this.#resume();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#sinceMs = this.#sweep.stampMs;
    this.#socket.resume();
  }

  write(stream: Http1ClientStream, chunk: BodyChunk): boolean {
    if (stream !== this.#stream) return true;
    this.#sinceMs = this.#connected ? this.#sweep.stampMs : this.#sinceMs;
    return this.#writer.write(chunk);
  }

  end(stream: Http1ClientStream, trailers: Trailers): void {
    if (stream !== this.#stream || !this.#writer.open) return;
    if (!this.#writer.end(trailers)) this.abort(stream);
  }

  abort(stream: Http1ClientStream): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#phase = "closed";
    this.#writer.abandon();
    this.#socket.destroy();
    this.#release();
  }
}
