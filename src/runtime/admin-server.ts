// The admin port: health, readiness, metrics, and what is served right now.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { METRICS_CONTENT_TYPE } from "../telemetry/index.ts";
import { addressText, adoptSocket, BindError, bindSocket, type ListeningSocket } from "./listening-socket.ts";
import type { AdminAddress } from "./run-options.ts";

export interface AdminSources {
  /** Requests are served, and the process is not draining. */
  ready(): boolean;
  /** Text in Prometheus' format. */
  metrics(): Promise<string>;
  /** Plain data for `/snapshot`; fields called `privateKey` are left out of the page. */
  snapshot(): unknown;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Endpoint {
  /** Served on addresses that are not loopback too. */
  readonly open: boolean;
  answer(sources: AdminSources): Page | Promise<Page>;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/healthz": { open: true, answer: () => text(200, "ok") },
  "/readyz": {
    open: true,
    answer: (sources) => (sources.ready() ? text(200, "ready") : text(503, "not ready")),
  },
  "/metrics": {
    open: true,
    answer: async (sources) => ({ ...text(200, await sources.metrics()), contentType: METRICS_CONTENT_TYPE }),
  },
  "/snapshot": {
    open: false,
    answer: (sources) => ({
      status: 200,
      contentType: "application/json",
      body: `${JSON.stringify(sources.snapshot(), withoutKeys, 2)}\n`,
    }),
  },
};

/** A page is copied into tickets and chats: the key of a certificate must be in none. */
function withoutKeys(field: string, value: unknown): unknown {
  return field === "privateKey" ? undefined : value;
}

export class AdminServer {
  readonly #server: Server;
  readonly #sources: AdminSources;
  readonly #loopback: boolean;
  readonly #socket: ListeningSocket;

  private constructor(host: string, sources: AdminSources, socket: ListeningSocket) {
    this.#sources = sources;
    this.#socket = socket;
    this.#loopback = isLoopback(host);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /**
   * Rejects with a BindError.
   * @param inherited a handle that is bound already, by another process
   */
  static async listen(
    address: AdminAddress,
    sources: AdminSources,
    inherited?: object,
  ): Promise<AdminServer> {
    const { host, port } = address;
    const socket = inherited === undefined ? bindSocket(host, port) : adoptSocket([inherited]);
    const admin = new AdminServer(host, sources, socket);
    admin.#server.listen(socket.handles[0]);
    try {
      await once(admin.#server, "listening");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new BindError(code ?? String(error), addressText(address.host, address.port));
    }
    return admin;
  }

  /** `ip:port` as bound. */
  get address(): string {
    return this.#socket.address;
  }

  /** For a process that takes over. */
  get handle(): object | undefined {
    return this.#socket.handles[0];
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = await this.#page(request).catch((error: Error) => text(500, error.message));
    response.writeHead(page.status, {
      "content-type": page.contentType,
      "content-length": Buffer.byteLength(page.body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    response.end(request.method === "HEAD" ? undefined : page.body);
  }

  async #page(request: IncomingMessage): Promise<Page> {
    if (!this.#loopback || namesLoopback(request.headers.host)) return this.#answer(request);
    // A page of another site could point its own name at this port and read what it finds.
    return text(403, "this port answers only to localhost, 127.0.0.1 and [::1] in the Host header");
  }

  #answer(request: IncomingMessage): Page | Promise<Page> {
    const [path = "/"] = (request.url ?? "/").split("?");
    const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
    if (endpoint === undefined)
      return text(404, `no such page; there are ${Object.keys(ENDPOINTS).join(", ")}`);
    if (request.method !== "GET" && request.method !== "HEAD") return text(405, "use GET");
    if (!endpoint.open && !this.#loopback) {
      return text(403, `${path} is served on a loopback address only: start with --admin 127.0.0.1:PORT`);
    }
    return endpoint.answer(this.#sources);
  }
}

function text(status: number, body: string): Page {
  return { status, contentType: "text/plain; charset=utf-8", body: body.endsWith("\n") ? body : `${body}\n` };
}

function isLoopback(ip: string): boolean {
  return ip === "::1" || /^127\.\d+\.\d+\.\d+$/.test(ip);
}

function namesLoopback(host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  return name === "localhost" || isLoopback(name.replace(/^\[(.*)\]$/, "$1"));
}
