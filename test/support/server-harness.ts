// A client's connection to the HTTP/1.1 codec over a memory socket, with a pipeline that records and answers.

import { DeadlineSweep } from "../../src/dataplane/http1/deadline-sweep.ts";
import { Http1Server } from "../../src/dataplane/http1/server.ts";
import { type DataplaneOptions, DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import { PlainResponseHead } from "../../src/dataplane/plain-head.ts";
import type { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type {
  BodyChunk,
  ConnectionInfo,
  RequestHandler,
  ServerStream,
  ServerStreamHandlers,
  Trailers,
} from "../../src/dataplane/stream.ts";
import { MemorySocket, socketOf } from "./memory-socket.ts";

/** One request as the pipeline saw it. */
export class RecordedRequest implements ServerStreamHandlers {
  readonly stream: ServerStream;
  readonly fields: string[] = [];
  body = "";
  trailers: Trailers | undefined;
  aborted: ProxyError | undefined;
  drains = 0;
  /** Called when request and body are there. */
  readonly #onWhole: (request: RecordedRequest) => void;

  constructor(stream: ServerStream, onWhole: (request: RecordedRequest) => void) {
    this.stream = stream;
    this.#onWhole = onWhole;
    stream.head.forEach((name, value) => {
      this.fields.push(name, value);
    });
  }

  onData(chunk: BodyChunk): void {
    this.body += Buffer.from(chunk).toString("latin1");
  }

  onEnd(trailers: Trailers): void {
    this.trailers = trailers;
    this.#onWhole(this);
  }

  onDrain(): void {
    this.drains += 1;
  }

  onAbort(error: ProxyError): void {
    this.aborted = error;
  }

  answer(text: string, status = 200): void {
    this.stream.respond(new PlainResponseHead(status, "OK", []), text.length);
    if (text !== "") this.stream.write(Buffer.from(text, "latin1"));
    this.stream.end([]);
  }

  get whole(): boolean {
    return this.stream.bodyLength === 0 || this.trailers !== undefined;
  }
}

export interface HarnessOptions {
  readonly options?: Partial<DataplaneOptions>;
  /** Answers each request as soon as it is whole; otherwise the test does. */
  readonly autoAnswer?: boolean;
}

export class ServerHarness implements RequestHandler {
  nowMs = 1_000;
  readonly requests: RecordedRequest[] = [];
  readonly rejected: { readonly code: string; readonly status: number }[] = [];
  readonly sweep: DeadlineSweep;
  readonly server: Http1Server;
  readonly socket = new MemorySocket();
  readonly #autoAnswer: boolean;

  constructor({ options = {}, autoAnswer = true }: HarnessOptions = {}) {
    this.#autoAnswer = autoAnswer;
    this.sweep = new DeadlineSweep({ wallMs: () => 0, monotonicMs: () => this.nowMs });
    this.server = new Http1Server(this, { ...DEFAULT_DATAPLANE_OPTIONS, ...options }, this.sweep);
    this.server.accept(socketOf(this.socket));
  }

  onRequest(stream: ServerStream): void {
    const request = new RecordedRequest(stream, (whole) => this.#whole(whole));
    this.requests.push(request);
    stream.handlers = request;
    if (!this.#autoAnswer) return;
    if (stream.bodyLength === 0) this.#whole(request);
    else stream.resumeBody();
  }

  onRejected(_connection: ConnectionInfo, error: ProxyError, status: number): void {
    this.rejected.push({ code: error.code, status });
  }

  /** The request that came last. */
  get last(): RecordedRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error("no request has come");
    return request;
  }

  /** Time passes, and the sweep looks. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.sweep.run();
  }

  /** Status codes of the responses, interim ones too. */
  get statuses(): number[] {
    return [...this.socket.sent.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
  }

  #whole(request: RecordedRequest): void {
    if (this.#autoAnswer) request.answer(`${request.stream.head.path} ${request.body}`);
  }
}
