// The endpoints of the soak: they answer, swallow uploads, stream downloads and events, echo WebSockets, and come and go.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

export const DOWNLOAD_SIZE = 1024 * 1024;
export const EVENT_INTERVAL_MS = 200;
const DOWNLOAD = Buffer.alloc(DOWNLOAD_SIZE, "limpet ");

export class SoakReplica {
  readonly name: string;
  /** The same whenever it comes back. */
  port = 0;
  #server: Server | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes connections. */
  async open(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    // Longer than the gateway keeps a connection waiting, which is what any backend needs behind any proxy.
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Takes no more connections; those that are busy, tunnels among them, go on. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader("x-replica", this.name);
    request.on("error", () => {});
    if (request.url === "/upload") this.#digest(request, response);
    else if (request.url === "/download") response.end(DOWNLOAD);
    else if (request.url === "/events") this.#events(response);
    else response.end(`${request.method} ${request.url}`);
  }

  #digest(request: IncomingMessage, response: ServerResponse): void {
    const hash = createHash("sha256");
    request.on("data", (chunk) => hash.update(chunk));
    request.on("end", () => response.end(hash.digest("hex")));
  }

  #events(response: ServerResponse): void {
    response.setHeader("content-type", "text/event-stream");
    let sequence = 0;
    const timer = setInterval(() => {
      sequence += 1;
      response.write(`data: ${sequence}\n\n`);
    }, EVENT_INTERVAL_MS);
    response.on("close", () => clearInterval(timer));
  }
}
