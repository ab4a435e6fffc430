// One replica of the sample backend: an HTTP server that says who it is and writes down what it was asked.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { answer } from "./answers.ts";
import { clientOf, type Exchange, sendJson } from "./exchange.ts";
import type { RequestLog, RequestLogEntry } from "./request-log.ts";
import { echoWebSocket } from "./websocket.ts";

export interface ReplicaOptions {
  readonly name: string;
  readonly host: string;
  /** 0: a free port, kept from the first start on. */
  readonly port: number;
  readonly log: RequestLog;
  readonly now: () => Date;
}

export class Replica {
  readonly name: string;
  readonly host: string;
  readonly #log: RequestLog;
  readonly #now: () => Date;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #server: Server | undefined;

  constructor(options: ReplicaOptions) {
    this.name = options.name;
    this.host = options.host;
    this.#port = options.port;
    this.#log = options.log;
    this.#now = options.now;
  }

  get port(): number {
    return this.#port;
  }

  /** `127.0.0.1:3001`, `[::1]:3001`. */
  get address(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.#port}` : `${this.host}:${this.#port}`;
  }

  /** The newest requests, oldest first; kept over stop and start. */
  get log(): readonly RequestLogEntry[] {
    return this.#log.entries;
  }

  clearLog(): void {
    this.#log.clear();
  }

  /** Listens; rejects if the port is taken. Starting twice is starting once. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => this.#onRequest(request, response));
    server.on("upgrade", (request, socket, received) => this.#onUpgrade(request, socket as Socket, received));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      // The peer may go at any time; what was lost is the peer's to notice.
      socket.on("error", () => socket.destroy());
    });
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, this.host, resolve);
      });
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Stops at once, open connections too, as a pod that is killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? "/";
    const question = url.indexOf("?");
    const path = question === -1 ? url : url.slice(0, question);
    const query = new URLSearchParams(question === -1 ? "" : url.slice(question + 1));
    const record = (status: number) => this.#record(request, status);
    const exchange: Exchange = { request, response, path, query, pod: this.name, record };
    answer(exchange).catch((error: unknown) => {
      if (response.destroyed || request.destroyed) return;
      if (response.headersSent) response.destroy();
      else sendJson(exchange, 500, { error: String(error), pod: this.name });
    });
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, received: Buffer): void {
    const isOurs = request.url?.split("?")[0] === "/ws";
    const headers = { "x-replica": this.name };
    if (isOurs && echoWebSocket(request, socket, received, headers, `hello from ${this.name}`)) {
      this.#record(request, 101);
      return;
    }
    this.#record(request, 400);
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nx-replica: ${this.name}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
  }

  #record(request: IncomingMessage, status: number): void {
    this.#log.add({
      time: this.#now().toISOString(),
      replica: this.name,
      status,
      method: request.method ?? "",
      uri: request.url ?? "",
      client: clientOf(request),
    });
  }
}
