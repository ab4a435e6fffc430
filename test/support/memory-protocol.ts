// A second protocol without bytes or sockets: drives the pipeline through the neutral heads alone, step by step.
import type { EditList } from "../../src/dataplane/header-edits.ts";
import { type FieldList, PlainRequestHead, PlainResponseHead } from "../../src/dataplane/plain-head.ts";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type { ErrorCode } from "../../src/dataplane/respond.ts";
import type {
  BodyChunk,
  BodyLength,
  ClientStream,
  ClientStreamHandlers,
  ConnectionInfo,
  ServerStream,
  ServerStreamHandlers,
  Trailers,
  Tunnel,
  UpstreamRequest,
} from "../../src/dataplane/stream.ts";
import type {
  ConnectFailure,
  Connector,
  UpstreamConnection,
  UpstreamConnectionOwner,
} from "../../src/dataplane/upstream-connection.ts";
import type { Endpoint, RequestHead, ResponseHead } from "../../src/model/index.ts";

export interface MemoryRequestParts {
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  /** Lower-case names; flat. */
  readonly fields?: FieldList;
  /** 0 unless said otherwise; -1: its end will tell. */
  readonly bodyLength?: BodyLength;
  readonly upgrade?: string;
  readonly connection?: Partial<ConnectionInfo>;
}

const CONNECTION: ConnectionInfo = {
  peerAddress: "192.0.2.7:40000",
  peerIp: "192.0.2.7",
  localAddress: "192.0.2.1:80",
  localPort: 80,
  tls: false,
};

/** What one side of a body saw; `slow` makes its writer ask for patience. */
class MemoryBody {
  text = "";
  trailers: Trailers | undefined;
  slow = false;

  write(chunk: BodyChunk): boolean {
    this.text += Buffer.from(chunk).toString("latin1");
    return !this.slow;
  }

  get ended(): boolean {
    return this.trailers !== undefined;
  }
}

/** A body on its way into the pipeline, held back while it is paused. */
class MemorySource {
  #paused: boolean;
  readonly #steps: (() => void)[] = [];

  constructor(paused: boolean) {
    this.#paused = paused;
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // As from a socket: never from within the call that asks for it.
    queueMicrotask(() => this.#flow());
  }

  push(step: () => void): void {
    this.#steps.push(step);
    this.#flow();
  }

  #flow(): void {
    while (!this.#paused) {
      const step = this.#steps.shift();
      if (step === undefined) return;
      step();
    }
  }
}

/** What the client got. */
export interface MemoryResponse {
  readonly status: number;
  /** Lower-case names, edits applied; flat. */
  readonly fields: FieldList;
  readonly length: BodyLength;
}

/** A request, and everything that its client may do and see. */
export class MemoryServerStream implements ServerStream {
  readonly head: PlainRequestHead;
  readonly connection: ConnectionInfo;
  readonly protocol = "memory/1";
  readonly bodyLength: BodyLength;
  readonly upgrade: string | undefined;
  readonly expectContinue = false;
  handlers: ServerStreamHandlers | null = null;
  bytesIn = 0;
  bytesOut = 0;

  response: MemoryResponse | undefined;
  readonly body = new MemoryBody();
  readonly informed: number[] = [];
  /** The pipeline gave the stream up. */
  aborted: ProxyError | undefined;
  tunnel: MemoryTunnel | undefined;
  readonly #source = new MemorySource(true);

  constructor(parts: MemoryRequestParts) {
    const { method = "GET", authority = "shop.example", path = "/", fields = [] } = parts;
    this.head = new PlainRequestHead(method, authority, path, fields);
    this.connection = { ...CONNECTION, ...parts.connection };
    this.bodyLength = parts.bodyLength ?? 0;
    this.upgrade = parts.upgrade;
  }

  /** All values of a response field. */
  responseFields(name: string): string[] {
    return valuesOf(this.response?.fields ?? [], name);
  }

  get bodyPaused(): boolean {
    return this.#source.paused;
  }

  // What a client does.

  send(text: string): void {
    this.#source.push(() => {
      const chunk = Buffer.from(text, "latin1");
      this.bytesIn += chunk.length;
      this.handlers?.onData(chunk);
    });
  }

  sendEnd(trailers: Trailers = []): void {
    this.#source.push(() => this.handlers?.onEnd(trailers));
  }

  /** Its connection is lost. */
  disappear(): void {
    this.leave(new ProxyError("client-closed", "downstream", "test"));
  }

  leave(error: ProxyError): void {
    this.handlers?.onAbort(error);
  }

  takeMore(): void {
    this.body.slow = false;
    this.handlers?.onDrain();
  }

  // What the pipeline does.

  pauseBody(): void {
    this.#source.pause();
  }

  resumeBody(): void {
    this.#source.resume();
  }

  inform(head: ResponseHead): void {
    this.informed.push(head.status);
  }

  respond(head: ResponseHead, length: BodyLength): void {
    if (this.response !== undefined) throw new Error("a second head");
    this.response = { status: head.status, fields: writtenFields(head), length };
  }

  write(chunk: BodyChunk): boolean {
    if (this.response === undefined || this.body.ended)
      throw new Error("a body without head or after its end");
    this.bytesOut += chunk.length;
    return this.body.write(chunk);
  }

  end(trailers: Trailers): void {
    if (this.response === undefined || this.body.ended)
      throw new Error("an end without head or a second one");
    this.body.trailers = trailers;
  }

  acceptUpgrade(head: ResponseHead): Tunnel {
    this.respond(head, 0);
    this.tunnel = new MemoryTunnel();
    return this.tunnel;
  }

  abort(error: ProxyError): void {
    this.aborted = error;
  }
}

/** A request as an endpoint got it, and everything that the endpoint may do. */
export class MemoryClientStream implements ClientStream {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly fields: FieldList;
  readonly bodyLength: BodyLength;
  readonly reused: boolean;
  readonly body = new MemoryBody();
  aborted = false;
  readonly #handlers: ClientStreamHandlers;
  readonly #connection: MemoryConnection;
  readonly #source = new MemorySource(false);

  constructor(connection: MemoryConnection, request: UpstreamRequest, handlers: ClientStreamHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.endpoint = connection.endpoint;
    this.method = request.head.method;
    this.path = request.path;
    this.fields = writtenFields(request.head);
    // An edit of the host is one of the authority, as in every protocol.
    const { lines } = request.head.edits as EditList;
    this.authority = valuesOf(lines, "host")[0] ?? request.head.authority;
    this.bodyLength = request.bodyLength;
    this.reused = connection.served;
  }

  /** All values of a request field. */
  values(name: string): string[] {
    return valuesOf(this.fields, name);
  }

  get bodyPaused(): boolean {
    return this.#source.paused;
  }

  // What an endpoint does.

  answer(status: number, fields: FieldList = [], body = ""): void {
    this.answerHead(status, fields, body.length);
    if (body !== "") this.answerData(body);
    this.answerEnd();
  }

  inform(status: number): void {
    this.#handlers.onInform(new PlainResponseHead(status, "", []));
  }

  answerHead(status: number, fields: FieldList = [], length: BodyLength = -1): void {
    this.#handlers.onHead(new PlainResponseHead(status, "", fields), length);
  }

  answerData(text: string): void {
    this.#source.push(() => this.#handlers.onData(Buffer.from(text, "latin1")));
  }

  answerEnd(trailers: Trailers = []): void {
    this.#source.push(() => {
      this.#handlers.onEnd(trailers);
      this.#connection.finish();
    });
  }

  fail(error: ProxyError): void {
    this.#connection.close(error.retry === "yes" ? (error.code as ConnectFailure) : undefined);
    this.#handlers.onError(error);
  }

  takeMore(): void {
    this.body.slow = false;
    this.#handlers.onDrain();
  }

  acceptUpgrade(fields: FieldList = []): MemoryTunnel {
    const tunnel = new MemoryTunnel();
    this.#handlers.onUpgrade(new PlainResponseHead(101, "", fields), tunnel);
    return tunnel;
  }

  // What the pipeline does.

  write(chunk: BodyChunk): boolean {
    if (this.body.ended || this.aborted) throw new Error("a body after its end");
    return this.body.write(chunk);
  }

  end(trailers: Trailers): void {
    if (this.body.ended || this.aborted) throw new Error("a second end");
    this.body.trailers = trailers;
  }

  pauseBody(): void {
    this.#source.pause();
  }

  resumeBody(): void {
    this.#source.resume();
  }

  abort(): void {
    this.aborted = true;
    this.#connection.close();
  }
}

export class MemoryConnection implements UpstreamConnection {
  readonly endpoint: Endpoint;
  /** It has carried an exchange before. */
  served = false;
  closed = false;
  readonly #owner: UpstreamConnectionOwner;
  readonly #received: MemoryClientStream[];

  constructor(endpoint: Endpoint, owner: UpstreamConnectionOwner, received: MemoryClientStream[]) {
    this.endpoint = endpoint;
    this.#owner = owner;
    this.#received = received;
  }

  send(request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream {
    const stream = new MemoryClientStream(this, request, handlers);
    this.#received.push(stream);
    return stream;
  }

  finish(): void {
    this.served = true;
    if (!this.closed) this.#owner.onIdle(this);
  }

  close(failure?: ConnectFailure): void {
    if (this.closed) return;
    this.closed = true;
    this.#owner.onClosed(this, failure);
  }
}

/** Endpoints at every address: what they received, in order, and the connections that were opened. */
export class MemoryEndpoints {
  readonly received: MemoryClientStream[] = [];
  readonly connections: MemoryConnection[] = [];

  readonly connect: Connector = (endpoint, owner) => {
    const connection = new MemoryConnection(endpoint, owner, this.received);
    this.connections.push(connection);
    return connection;
  };

  /** The request that came last. */
  get last(): MemoryClientStream {
    const stream = this.received.at(-1);
    if (stream === undefined) throw new Error("no endpoint got a request");
    return stream;
  }
}

/** One side of a tunnel, as its peer sees it. */
export class MemoryTunnel implements Tunnel {
  handlers: Tunnel["handlers"] = null;
  /** What the peer got. */
  text = "";
  ended = false;
  destroyed = false;
  paused = false;
  slow = false;
  /** What of its text the peer has not taken; the rest once it takes more. */
  waitingBytes = 0;

  // What the peer does.

  say(text: string): void {
    this.handlers?.onData(Buffer.from(text, "latin1"));
  }

  sayEnd(): void {
    this.handlers?.onEnd();
  }

  vanish(): void {
    this.destroy();
  }

  /** Its protocol gives it up. */
  cut(error: ErrorCode): void {
    this.destroyed = true;
    this.handlers?.onClose(error);
  }

  takeMore(): void {
    this.slow = false;
    this.handlers?.onDrain();
  }

  // What the splice does.

  write(chunk: BodyChunk): boolean {
    this.text += Buffer.from(chunk).toString("latin1");
    if (this.slow) this.waitingBytes += chunk.length;
    return !this.slow;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.handlers?.onClose();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** The fields that a protocol sends: the received ones that no edit drops, then the added ones. */
function writtenFields(head: RequestHead | ResponseHead): string[] {
  const edits = head.edits as EditList;
  const fields: string[] = [];
  head.forEach((name, value) => {
    if (!edits.drops(name)) fields.push(name, value);
  });
  // An added host is one of the authority.
  return [...fields, ...edits.lines.filter((_, at) => edits.lines[at - (at % 2)] !== "host")];
}

function valuesOf(fields: FieldList, name: string): string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === name);
}
