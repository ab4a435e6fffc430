// One HTTP/1.1 connection of a client: reads requests one after the other and sends the answers in the same order.
import type { Socket } from "node:net";
import type { ResponseHead } from "../../model/index.ts";
import { ProxyError } from "../proxy-error.ts";
import type { BodyChunk, BodyLength, ConnectionInfo, RequestHandler, Trailers, Tunnel } from "../stream.ts";
import { BodyReader } from "./body-reader.ts";
import type { Swept } from "./deadline-sweep.ts";
import { HeadReader } from "./head-reader.ts";
import { MessageError, malformed, REFUSAL_STATUS } from "./message-error.ts";
import { Outlet } from "./outlet.ts";
import { PendingInput } from "./pending-input.ts";
import { parseRequestHead } from "./request-head.ts";
import { ResponseSender } from "./response-sender.ts";
import { type DeadlineContext, HALF_CLOSED_SILENCE_MS, ServerDeadlines } from "./server-deadlines.ts";
import { Http1ServerStream, type ServerStreamOwner } from "./server-stream.ts";
import { SocketTunnel } from "./socket-tunnel.ts";
import type { TakesTurns, TurnQueue } from "./turn-queue.ts";
import { askWhetherPeerLives, wasReset } from "./vanished-peer.ts";

/** So much of a body that nobody wants any more is read for the sake of the connection; with more it closes. */
export const MAX_DISCARDED = 256 * 1024;

/**
 * head: waiting for a request or reading its head; exchange: from the head to the end of request and response;
 * lingering: the last answer is sent, what still arrives is thrown away; tunnel; closed.
 */
type Phase = "head" | "exchange" | "lingering" | "tunnel" | "closed";

/** held: not asked for, or paused; flowing: pushed to the pipeline; discarding: read for the connection's sake; ended. */
type BodyState = "held" | "flowing" | "discarding" | "ended";

export interface ServerContext extends DeadlineContext {
  readonly handler: RequestHandler;
  readonly turns: TurnQueue;
  closed(connection: ServerConnection): void;
}

const OWNER = Symbol("connection");

type OwnedSocket = Socket & { [OWNER]: ServerConnection };

export class ServerConnection implements ServerStreamOwner, Swept, TakesTurns {
  readonly #socket: Socket;
  readonly #context: ServerContext;
  readonly #info: ConnectionInfo;
  readonly #outlet: Outlet;
  readonly #headReader: HeadReader;
  readonly #body: BodyReader;
  readonly #response: ResponseSender;
  readonly #deadlines: ServerDeadlines;
  /** While there is some the socket is paused. */
  readonly #input = new PendingInput();
  #phase: Phase = "head";
  #bodyState: BodyState = "ended";
  #stream: Http1ServerStream | undefined;
  #tunnel: SocketTunnel | undefined;
  #pumping = false;
  /** The next request waits for its turn, so that a client who pipelines does not starve the others. */
  #waitsForTurn = false;
  #discarded = 0;
  #continued = false;
  #draining = false;
  /** The client sends no more, and may still wait for answers. */
  #halfClosed = false;
  #served = 0;

  constructor(socket: Socket, info: ConnectionInfo, context: ServerContext) {
    const { options, sweep } = context;
    this.#socket = socket;
    this.#context = context;
    this.#info = info;
    this.#outlet = new Outlet(socket);
    this.#headReader = new HeadReader(options.maxHeadSize);
    this.#body = new BodyReader(options);
    this.#response = new ResponseSender(this.#outlet, sweep);
    this.#deadlines = new ServerDeadlines(socket, context);
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    (socket as OwnedSocket)[OWNER] = this;
    socket.on("data", ServerConnection.#on.data);
    socket.on("drain", ServerConnection.#on.drain);
    socket.on("end", ServerConnection.#on.end);
    socket.on("error", ServerConnection.#on.error);
    socket.on("close", ServerConnection.#on.close);
    sweep.add(this);
  }

  /** One set of handlers for all connections: a closure for each would be a tenth of what an idle connection costs. */
  static readonly #on = {
    data(this: OwnedSocket, chunk: Buffer): void {
      this[OWNER].receive(chunk);
    },
    drain(this: OwnedSocket): void {
      this[OWNER].#drained();
    },
    end(this: OwnedSocket): void {
      this[OWNER].#ended();
    },
    error(this: OwnedSocket): void {
      this.destroy();
    },
    close(this: OwnedSocket): void {
      this[OWNER].#closed();
    },
  };

  /**
   * Closes once the exchange under way is over. An idle one closes too, but not while its client may be about to send:
   * a request that meets a closing connection is lost, so who was busy a moment ago gets one more answer.
   */
  drain(): void {
    this.#draining = true;
    if (this.#phase === "head") this.sweep(this.#context.sweep.nowMs);
  }

  /** There is no more time: a tunnel's last bytes go out before it closes, the rest closes at once. */
  expire(): void {
    if (this.#phase !== "tunnel") {
      this.destroy();
      return;
    }
    if (this.#tunnel !== undefined) this.#tunnel.error ??= "draining";
    this.#socket.destroySoon();
  }

  /**
   * Makes room for another client, where this one has waited for a while without a whole request. False: it is busy, or
   * has only just come.
   */
  yieldPlace(): boolean {
    if (this.#phase !== "head" || this.#input.bytes !== undefined || this.#deadlines.isWriting) return false;
    if (!this.#deadlines.hasHadItsChance) return false;
    if (this.#headReader.pending) {
      this.#refuse(
        new MessageError("request-timeout", "the head did not arrive before its place was needed"),
      );
    }
    this.#phase = "lingering";
    this.#socket.destroySoon();
    return true;
  }

  /** Bytes that are in memory because either side is slower than the other. */
  get heldBytes(): number {
    const { bytes, at } = this.#input;
    const input = bytes === undefined ? 0 : bytes.length - at;
    return (
      input + this.#headReader.heldBytes + (this.#stream?.head.text.length ?? 0) + this.#socket.writableLength
    );
  }

  /** Closes at once; an exchange under way is told that the gateway ended it. */
  destroy(): void {
    this.#abandon(new ProxyError("draining", "internal", "the gateway gives its clients no more time"));
  }

  // What arrives.

  /** The bytes are valid during the call only. */
  receive(chunk: Buffer): void {
    if (this.#phase === "tunnel") {
      this.#tunnel?.receive(chunk);
    } else if (this.#phase === "head" || this.#phase === "exchange") {
      this.#input.take(chunk);
      this.#pump();
      this.#input.keep();
    }
  }

  /** Works through the input as far as it may; what is left waits, and the socket with it. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#input.bytes !== undefined && this.#step(this.#input.bytes, this.#input.at)) {}
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#refuse(error);
    } finally {
      this.#pumping = false;
    }
    if (this.#phase === "tunnel") return;
    if (this.#input.bytes !== undefined) this.#socket.pause();
    else if (this.#halfClosed) this.#endHalfClosed();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** False: nothing more can be done with the input for now. */
  #step(input: Buffer, from: number): boolean {
    if (this.#phase === "head") {
      // Who does not read its answers gets no more of them: they would all wait in memory.
      return !this.#waitsForTurn && !this.#outlet.saturated && this.#readHead(input, from);
    }
    if (this.#phase !== "exchange" || this.#bodyState === "ended" || this.#bodyState === "held") return false;
    this.#deadlines.restart();
    const body = this.#body;
    this.#input.advance(body.read(input, from));
    if (body.dataEnd > body.dataStart) this.#takeData(input, body.dataStart, body.dataEnd);
    if (body.done) this.#endBody();
    return true;
  }

  #readHead(input: Buffer, from: number): boolean {
    const reader = this.#headReader;
    const { maxHeaders } = this.#context.options;
    if (!reader.pending && this.#served > 0) this.#deadlines.restart();
    const to = reader.read(input, from);
    this.#input.advance(to === -1 ? input.length : to);
    if (to === -1) return false;
    const scheme = this.#info.tls ? "https" : "http";
    const head = parseRequestHead(reader.text, reader.start, reader.end, maxHeaders, scheme);
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
    this.#bodyState = this.#body.done ? "ended" : "held";
    this.#discarded = 0;
    this.#continued = false;
    this.#response.reset(stream.head.persistent);
    this.#context.handler.onRequest(stream);
  }

  #takeData(input: Buffer, start: number, end: number): void {
    if (this.#bodyState === "discarding") {
      this.#discarded += end - start;
      if (this.#discarded > MAX_DISCARDED) this.#linger();
      return;
    }
    const stream = this.#stream as Http1ServerStream;
    stream.bytesIn += end - start;
    stream.handlers?.onData(start === 0 && end === input.length ? input : input.subarray(start, end));
  }

  #endBody(): void {
    if (this.#bodyState === "ended" || this.#phase !== "exchange") return;
    const wanted = this.#bodyState !== "discarding";
    this.#bodyState = "ended";
    if (wanted) this.#stream?.handlers?.onEnd(this.#body.trailers);
    this.#finish();
  }

  #drained(): void {
    if (this.#phase === "tunnel") this.#tunnel?.drained();
    else if (this.#phase === "exchange" && !this.#response.ended) this.#stream?.handlers?.onDrain();
    else if (this.#phase === "head") this.#pump();
  }

  /** The client sends no more. With its requests complete it may wait for their answers, as `nc` does behind a pipe. */
  #ended(): void {
    if (this.#phase === "tunnel") {
      this.#tunnel?.ended();
      return;
    }
    this.#halfClosed = true;
    if (this.#phase === "exchange") {
      askWhetherPeerLives(this.#socket, HALF_CLOSED_SILENCE_MS);
      this.#deadlines.restartResponse(this.#response.sent);
    }
    if (this.#input.bytes === undefined) this.#endHalfClosed();
  }

  /** Everything that a client sent before it ended its side is worked through. */
  #endHalfClosed(): void {
    if (this.#phase === "head" || this.#phase === "lingering") this.#socket.destroySoon();
    else if (this.#phase !== "exchange" || this.#bodyState === "ended") return;
    else if (this.#response.ended) this.#linger();
    else this.#abandon(new ProxyError("client-closed", "downstream", "the client closed its connection"));
  }

  #closed(): void {
    // Most connections close between exchanges: an error, with its trace of the stack, would be for nobody.
    if (this.#stream === undefined) this.#input.clear();
    else
      this.#dropExchange(
        new ProxyError("client-closed", "downstream", "the connection to the client was lost"),
      );
    this.#phase = "closed";
    this.#context.sweep.delete(this);
    this.#tunnel?.closed();
    this.#context.closed(this);
  }

  // What goes wrong.

  /** Answers what the codec does not let through, if an answer is still possible, and ends the connection. */
  #refuse(error: MessageError): void {
    const stream = this.#stream;
    const cut = this.#response.underWay;
    this.#response.refuse(error, stream?.head);
    const told = error.on("downstream");
    this.#dropExchange(told);
    if (stream === undefined) this.#context.handler.onRejected(this.#info, told, REFUSAL_STATUS[error.code]);
    if (cut) this.#cutOff();
    else this.#linger();
  }

  /** Ends an exchange whose client cannot be answered any more. */
  #abandon(error: ProxyError): void {
    this.#dropExchange(error);
    this.#socket.destroy();
  }

  #dropExchange(error: ProxyError): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#input.clear();
    this.#response.abandon();
    if (stream !== undefined && !this.#response.ended) stream.handlers?.onAbort(error);
  }

  /** Closes so that the client sees that its response is not whole. */
  #cutOff(): void {
    this.#outlet.flush();
    this.#phase = "lingering";
    this.#deadlines.restart();
    if (!this.#response.untilClose) this.#socket.destroySoon();
    // Over TLS the missing goodbye (close_notify) tells as much.
    else if (this.#info.tls) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** Says the last word and listens on for a while: closing with unread bytes would take the answer from the client. */
  #linger(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#phase = "lingering";
    this.#stream = undefined;
    this.#input.clear();
    this.#headReader.reset();
    this.#deadlines.restart();
    this.#outlet.flush();
    this.#socket.end();
    this.#socket.resume();
    if (this.#halfClosed) this.#socket.destroySoon();
  }

  // What takes too long.

  sweep(nowMs: number): void {
    if (this.#phase === "head") this.#sweepHead(nowMs);
    else if (this.#phase === "exchange") this.#sweepExchange(nowMs);
    else if (this.#phase === "lingering") this.#sweepLingering(nowMs);
    else if (this.#phase === "tunnel" && this.#deadlines.isStuck(nowMs)) this.#cutTunnel();
  }

  #sweepHead(nowMs: number): void {
    if (this.#deadlines.isStuck(nowMs)) {
      this.#socket.destroy();
    } else if (this.#headReader.pending) {
      if (this.#deadlines.isHeadLate(nowMs)) {
        this.#refuse(new MessageError("request-timeout", "the head did not arrive in time"));
      }
    } else if (
      this.#deadlines.isIdle(nowMs, this.#served, this.#draining) &&
      this.#input.bytes === undefined
    ) {
      this.#linger();
    }
  }

  #sweepExchange(nowMs: number): void {
    if (this.#deadlines.isStuck(nowMs)) {
      this.#abandon(
        new ProxyError("write-timeout", "downstream", "the client takes too little of its response"),
      );
    } else if (this.#halfClosed && this.#hasLeft(nowMs)) {
      this.#abandon(new ProxyError("client-closed", "downstream", "the client closed its connection"));
    } else if (this.#bodyState === "flowing" || this.#bodyState === "discarding") {
      if (this.#deadlines.isBodyLate(nowMs, this.#body.received)) {
        this.#refuse(new MessageError("request-timeout", "the body did not arrive in time"));
      }
    }
  }

  /** Of a client that has ended its side. */
  #hasLeft(nowMs: number): boolean {
    const { underWay, sent } = this.#response;
    return wasReset(this.#socket) || this.#deadlines.isSilent(nowMs, underWay, sent);
  }

  #sweepLingering(nowMs: number): void {
    if (this.#deadlines.hasLingered(nowMs) || this.#deadlines.isStuck(nowMs)) this.#socket.destroy();
  }

  #cutTunnel(): void {
    if (this.#tunnel !== undefined) this.#tunnel.error ??= "write-timeout";
    this.#socket.destroy();
  }

  // What the pipeline asks for.

  pauseBody(stream: Http1ServerStream): void {
    if (stream === this.#stream && this.#bodyState === "flowing") this.#bodyState = "held";
  }

  resumeBody(stream: Http1ServerStream): void {
    if (stream !== this.#stream || this.#bodyState !== "held") return;
    const waits = stream.expectContinue && !this.#continued && this.#body.received === 0;
    if (waits && !this.#response.started) {
      this.#continued = true;
      this.#response.continue();
    }
    this.#readOn("flowing");
  }

  #readOn(state: BodyState): void {
    this.#bodyState = state;
    this.#deadlines.restartBody(this.#body.received);
    this.#pump();
  }

  inform(stream: Http1ServerStream, head: ResponseHead): void {
    if (stream === this.#stream) this.#response.inform(stream.head, head);
  }

  respond(stream: Http1ServerStream, head: ResponseHead, length: BodyLength): void {
    if (stream !== this.#stream || this.#response.started) return;
    // A client that waits for its 100 may send the body or not after a final answer: nobody can tell the next request.
    const unasked = stream.expectContinue && !this.#continued && this.#bodyState !== "ended";
    const isLast = this.#halfClosed && this.#input.bytes === undefined;
    if (unasked || isLast || this.#draining) this.#response.persistent = false;
    if (this.#response.respond(stream.head, head, length)) this.end(stream, []);
  }

  write(stream: Http1ServerStream, chunk: BodyChunk): boolean {
    if (stream !== this.#stream || !this.#response.underWay) return true;
    const takesMore = this.#response.write(chunk);
    stream.bytesOut = this.#response.sent;
    return takesMore;
  }

  end(stream: Http1ServerStream, trailers: Trailers): void {
    if (stream !== this.#stream || !this.#response.underWay) return;
    if (this.#response.end(trailers)) {
      this.#finish();
    } else {
      this.#stream = undefined;
      this.#cutOff();
    }
  }

  acceptUpgrade(stream: Http1ServerStream, head: ResponseHead): Tunnel {
    const tunnel = new SocketTunnel(this.#socket, this.#outlet);
    if (stream !== this.#stream || this.#response.started) {
      this.#socket.destroy();
      return tunnel;
    }
    this.#response.upgrade(head, stream.upgrade ?? "websocket");
    this.#phase = "tunnel";
    this.#tunnel = tunnel;
    this.#stream = undefined;
    if (this.#input.bytes !== undefined) tunnel.receive(this.#input.bytes.subarray(this.#input.at));
    this.#input.clear();
    return tunnel;
  }

  abort(stream: Http1ServerStream): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#input.clear();
    if (this.#response.underWay) this.#cutOff();
    else this.#socket.destroy();
  }

  /** After either direction has ended: the next request, or the end. */
  #finish(): void {
    if (!this.#response.ended || this.#phase !== "exchange") return;
    if (!this.#response.persistent || this.#draining) this.#linger();
    else if (this.#bodyState === "ended") this.#beginNext();
    else this.#discardBody();
  }

  #beginNext(): void {
    this.#phase = "head";
    this.#stream = undefined;
    this.#response.reset(true);
    this.#deadlines.restart();
    if (this.#input.bytes === undefined) {
      if (this.#halfClosed) this.#linger();
      return;
    }
    this.#waitsForTurn = true;
    this.#context.turns.add(this);
  }

  /** The next of several requests that have come at once. */
  takeTurn(): void {
    this.#waitsForTurn = false;
    this.#pump();
  }

  /** The response is over before the request: the rest is read and dropped if that is cheaper than a new connection. */
  #discardBody(): void {
    const { remaining } = this.#body;
    if (remaining !== Number.POSITIVE_INFINITY && remaining > MAX_DISCARDED) this.#linger();
    else this.#readOn("discarding");
  }
}
