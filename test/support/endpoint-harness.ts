// A connection of the HTTP/1.1 codec to an endpoint over a memory socket, with an exchange that records what it is told.
import { ClientConnection } from "../../src/dataplane/http1/client-connection.ts";
import { DeadlineSweep } from "../../src/dataplane/http1/deadline-sweep.ts";
import { type DataplaneOptions, DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import { PlainRequestHead } from "../../src/dataplane/plain-head.ts";
import type { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type {
  BodyChunk,
  BodyLength,
  ClientStream,
  ClientStreamHandlers,
  Trailers,
  Tunnel,
} from "../../src/dataplane/stream.ts";
import { plainWay, type Way } from "../../src/dataplane/upstream-connection.ts";
import type { ResponseHead } from "../../src/model/index.ts";
import { MemorySocket, socketOf } from "./memory-socket.ts";

export interface RequestParts {
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly fields?: readonly string[];
  readonly bodyLength?: BodyLength;
  readonly upgrade?: string;
}

/** What an exchange was told, in order; data in one piece between other events. */
export class RecordedExchange implements ClientStreamHandlers {
  readonly events: string[] = [];
  error: ProxyError | undefined;
  tunnel: Tunnel | undefined;

  onInform(head: ResponseHead): void {
    this.events.push(`inform ${describe(head)}`);
  }

  onHead(head: ResponseHead, length: BodyLength): void {
    this.events.push(`head ${describe(head)} ${length}`);
  }

  onData(chunk: BodyChunk): void {
    const text = Buffer.from(chunk).toString("latin1");
    const last = this.events.length - 1;
    if (this.events[last]?.startsWith("data ")) this.events[last] += text;
    else this.events.push(`data ${text}`);
  }

  onEnd(trailers: Trailers): void {
    this.events.push(`end {${trailers.join("|")}}`);
  }

  onUpgrade(head: ResponseHead, tunnel: Tunnel): void {
    this.tunnel = tunnel;
    this.events.push(`upgrade ${describe(head)}`);
  }

  onDrain(): void {
    this.events.push("drain");
  }

  onError(error: ProxyError): void {
    this.error = error;
    this.events.push(`error ${error.code} ${error.retry}`);
  }
}

function describe(head: ResponseHead): string {
  const fields: string[] = [];
  head.forEach((name, value) => {
    fields.push(name, value);
  });
  return `${head.status} ${head.reason} {${fields.join("|")}}`;
}

export class EndpointHarness {
  nowMs = 1_000;
  idle = 0;
  closed = 0;
  /** What the endpoint said about its patience when the connection became idle last. */
  keptMs: number | undefined;
  readonly socket = new MemorySocket();
  readonly sweep: DeadlineSweep;
  readonly connection: ClientConnection;

  constructor(options: Partial<DataplaneOptions> = {}, way: Partial<Way> = {}) {
    this.sweep = new DeadlineSweep({ wallMs: () => 0, monotonicMs: () => this.nowMs });
    const owner = {
      onIdle: (_: unknown, keptMs?: number) => {
        this.idle += 1;
        this.keptMs = keptMs;
      },
      onClosed: () => {
        this.closed += 1;
      },
    };
    this.connection = new ClientConnection(
      socketOf(this.socket),
      "192.0.2.1:8080",
      owner,
      { ...plainWay(DEFAULT_DATAPLANE_OPTIONS.upstreamConnectTimeoutMs), ...way },
      { ...DEFAULT_DATAPLANE_OPTIONS, ...options },
      this.sweep,
    );
  }

  /** As a connected one. */
  connect(): this {
    this.socket.emit("connect");
    return this;
  }

  send(parts: RequestParts = {}): { readonly stream: ClientStream; readonly exchange: RecordedExchange } {
    const { method = "GET", authority = "shop.example", path = "/a", fields = [], bodyLength = 0 } = parts;
    const exchange = new RecordedExchange();
    const head = new PlainRequestHead(method, authority, path, fields);
    const stream = this.connection.send({ head, path, bodyLength, upgrade: parts.upgrade }, exchange);
    return { stream, exchange };
  }

  deliver(bytes: string): void {
    if (!this.socket.destroyed) this.connection.receive(Buffer.from(bytes, "latin1"));
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.sweep.run();
  }
}
