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
import { BodyWriter } from "./body-writer.ts";
import { type ClientStreamOwner, Http1ClientStream } from "./client-stream.ts";
import type { DeadlineSweep, Swept } from "./deadline-sweep.ts";
import { writeRequestHead } from "./head-writer.ts";
import { MessageError, malformed } from "./message-error.ts";
import { Outlet } from "./outlet.ts";
import { type Http1ResponseHead, UNTIL_CLOSE } from "./response-head.ts";
import { ResponseReader, type ResponseSink } from "./response-reader.ts";
import { SocketTunnel } from "./socket-tunnel.ts";

/** idle: waiting for a request; busy: with an exchange; tunnel; closed: carries nothing more. */
type Phase = "idle" | "busy" | "tunnel" | "closed";

export class ClientConnection implements UpstreamConnection, ClientStreamOwner, ResponseSink, Swept {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #owner: UpstreamConnectionOwner;
  readonly #way: Way;
  readonly #options: DataplaneOptions;
  readonly #sweep: DeadlineSweep;
  readonly #outlet: Outlet;
  readonly #reader: ResponseReader;
  readonly #writer: BodyWriter;
  #phase: Phase = "idle";
  #stream: Http1ClientStream | undefined;
  #tunnel: SocketTunnel | undefined;
  /** A packet came back: what fails now, fails in the handshake. */
  #reached = false;
  #connected = false;
  #released = false;
  #served = 0;
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
    this.#reader = new ResponseReader(this, options);
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
    const stream = new Http1ClientStream(this, handlers, this.#served > 0, request.upgrade);
    if (this.#phase !== "idle") {
      process.nextTick(() => handlers.onError(this.#lost("the connection was closed", "unanswered")));
      return stream;
    }
    this.#phase = "busy";
    this.#stream = stream;
    this.#served += 1;
    this.#reader.begin(head.method === "HEAD");
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
      else {
        this.#sinceMs = this.#sweep.stampMs;
        this.#reader.read(chunk);
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#fail(error.on("upstream"));
    }
  }

  // What the reader finds.

  onInterimHead(head: Http1ResponseHead): void {
    // The gateway deals with expectations by itself, so that a 100 is for nobody.
    if (head.status !== 100) this.#stream?.handlers.onInform(head);
  }

  /** A 101 counts only where it was asked for, and for the same protocol. */
  onSwitch(head: Http1ResponseHead, rest: Buffer): void {
    const stream = this.#stream;
    if (stream?.upgrade === undefined || !head.upgradesToWebSocket) {
      throw malformed("the endpoint switches protocols unasked");
    }
    const tunnel = new SocketTunnel(this.#socket, this.#outlet);
    this.#phase = "tunnel";
    this.#tunnel = tunnel;
    this.#stream = undefined;
    if (rest.length > 0) tunnel.receive(rest);
    stream.handlers.onUpgrade(head, tunnel);
  }

  onFinalHead(head: Http1ResponseHead): void {
    this.#persistent = head.persistent;
    this.#keptMs = head.keptMs;
    this.#stream?.handlers.onHead(head, head.bodyLength === UNTIL_CLOSE ? -1 : head.bodyLength);
  }

  onBody(piece: Buffer): void {
    this.#stream?.handlers.onData(piece);
  }

  onResponseEnd(clean: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const reusable =
      clean &&
      this.#persistent &&
      !this.#writer.open &&
      !this.#socket.readableEnded &&
      this.#served < this.#way.maxRequests;
    const { trailers } = this.#reader;
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
    stream.handlers.onEnd(trailers);
    if (!reusable) this.#release();
  }

  /** Bytes that belong to no response, or to one that nobody waits for: they must never meet the next request. */
  onExcess(): void {
    if (this.#phase === "idle") this.close();
  }

  // What the socket says.

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
    else if (this.#reader.endOfInput()) this.onResponseEnd(false);
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
    return this.#served <= 1 && !this.#reader.answered && code?.startsWith("ERR_SSL_") === true;
  }

  /** Ends the exchange, if there is one, and the connection with it. */
  #fail(error: ProxyError, failure?: ConnectFailure): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (this.#phase !== "tunnel") {
      this.#abandon();
      this.#release(failure);
    }
    stream?.handlers.onError(error);
  }

  #abandon(): void {
    this.#phase = "closed";
    this.#reader.stop();
    this.#writer.abandon();
    this.#socket.destroy();
  }

  #lost(message: string, retry: RetryVerdict): ProxyError {
    return new ProxyError("upstream-closed", "upstream", `${message} (${this.#address})`, {
      retry,
      cause: this.#cause,
    });
  }

  #retry(): RetryVerdict {
    return this.#reader.answered ? "never" : "unanswered";
  }

  #release(failure?: ConnectFailure): void {
    if (this.#released) return;
    this.#released = true;
    this.#owner.onClosed(this, failure, this.#cause);
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
    this.#abandon();
    this.#release();
  }
}
