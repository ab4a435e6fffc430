// The admin port: health, readiness, metrics, what is served right now, which endpoints drain, and explanations.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Explanation } from "../inspect/explanation.ts";
import { METRICS_CONTENT_TYPE } from "../telemetry/index.ts";
import { type DrainDesk, type DrainingEndpoint, UnknownEndpoint } from "./drain-desk.ts";
import { QuestionError, type QuestionTexts } from "./explain/question.ts";
import { questionOfQuery } from "./explain/question-query.ts";
import { addressText, adoptSocket, BindError, bindSocket, type ListeningSocket } from "./listening-socket.ts";
import type { AdminAddress } from "./run-options.ts";

export interface AdminSources {
  /** Requests are served, and the process is not draining. */
  ready(): boolean;
  /** Text in Prometheus' format. */
  metrics(): Promise<string>;
  /** Plain data for `/snapshot`; fields called `privateKey` are left out of the page. */
  snapshot(): unknown;
  readonly drains: Pick<DrainDesk, "list" | "start" | "end">;
  /** Rejects with a QuestionError. */
  explain(texts: QuestionTexts): Promise<Explanation>;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Methods, where another was used. */
  readonly allow?: string;
}

/** What a page is made of beside what the gateway knows. */
interface Call {
  readonly query: URLSearchParams;
}

type Answer = (sources: AdminSources, call: Call) => Page | Promise<Page>;

const METHODS = ["GET", "POST", "DELETE"] as const;
type Method = (typeof METHODS)[number];

/** What it answers, by method; HEAD is GET without the body. */
interface Endpoint extends Readonly<Partial<Record<Method, Answer>>> {
  /** Served on addresses that are not loopback too. */
  readonly open: boolean;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/healthz": { open: true, GET: () => text(200, "ok") },
  "/readyz": {
    open: true,
    GET: (sources) => (sources.ready() ? text(200, "ready") : text(503, "not ready")),
  },
  "/metrics": {
    open: true,
    GET: async (sources) => ({ ...text(200, await sources.metrics()), contentType: METRICS_CONTENT_TYPE }),
  },
  "/snapshot": {
    open: false,
    GET: (sources) => json(200, sources.snapshot()),
  },
  "/api/drains": {
    open: false,
    GET: async ({ drains }) => json(200, { drains: await drains.list() }),
    POST: ({ drains }, { query }) => changeDrains(query, (name) => drains.start(name)),
    DELETE: ({ drains }, { query }) => changeDrains(query, (name) => drains.end(name)),
  },
  "/api/explain": {
    open: false,
    GET: (sources, { query }) => explanationPage(query, sources),
  },
};

export interface AdminSettings {
  /** Where a client could not be accepted, as when the process has no descriptor left. */
  readonly onAcceptFailed?: (error: Error) => void;
  /** A client that neither says nor takes anything for so long is let go, with the page that waits for it. */
  readonly clientTimeoutMs?: number;
}

/** Longer than any page takes. */
const CLIENT_TIMEOUT_MS = 60_000;

/** The largest question: a head as large as clients may send, percent-encoded in the query. */
const MAX_HEAD_SIZE = 256 * 1024;

async function explanationPage(query: URLSearchParams, sources: AdminSources): Promise<Page> {
  try {
    return json(200, await sources.explain(questionOfQuery(query)));
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    return json(400, { error: error.message });
  }
}

/** With the endpoints that it was about. */
async function changeDrains(
  query: URLSearchParams,
  change: (name: string) => Promise<readonly DrainingEndpoint[]>,
): Promise<Page> {
  const name = query.get("endpoint") ?? "";
  if (name === "")
    return json(400, { error: "name an endpoint: ?endpoint=10.0.0.1:8080, or its pod or host" });
  try {
    return json(200, { drains: await change(name) });
  } catch (error) {
    if (!(error instanceof UnknownEndpoint)) throw error;
    return json(404, { error: error.message, near: error.near });
  }
}

/** A page is copied into tickets and chats: the key of a certificate must be in none. */
function withoutKeys(field: string, value: unknown): unknown {
  return field === "privateKey" ? undefined : value;
}

export class AdminServer {
  readonly #server: Server;
  readonly #sources: AdminSources;
  readonly #loopback: boolean;
  readonly #socket: ListeningSocket;

  private constructor(host: string, sources: AdminSources, socket: ListeningSocket, clientTimeoutMs: number) {
    this.#sources = sources;
    this.#socket = socket;
    this.#loopback = isLoopback(host);
    this.#server = createServer(
      { maxHeaderSize: MAX_HEAD_SIZE },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.timeout = clientTimeoutMs;
  }

  /**
   * Rejects with a BindError.
   * @param inherited a handle that is bound already, by another process
   */
  static async listen(
    address: AdminAddress,
    sources: AdminSources,
    inherited?: object,
    { onAcceptFailed = () => {}, clientTimeoutMs = CLIENT_TIMEOUT_MS }: AdminSettings = {},
  ): Promise<AdminServer> {
    const { host, port } = address;
    const socket = inherited === undefined ? bindSocket(host, port) : adoptSocket([inherited]);
    const admin = new AdminServer(host, sources, socket, clientTimeoutMs);
    admin.#server.listen(socket.handles[0]);
    try {
      await once(admin.#server, "listening");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new BindError(code ?? String(error), addressText(address.host, address.port));
    }
    // Without a listener an error of accept (EMFILE) would end the process.
    admin.#server.on("error", onAcceptFailed);
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
      ...(page.allow === undefined ? {} : { allow: page.allow }),
    });
    response.end(request.method === "HEAD" ? undefined : page.body);
  }

  async #page(request: IncomingMessage): Promise<Page> {
    if (!this.#loopback || namesLoopback(request.headers.host)) return this.#answer(request);
    // A page of another site could point its own name at this port and read what it finds.
    return text(403, "this port answers only to localhost, 127.0.0.1 and [::1] in the Host header");
  }

  #answer(request: IncomingMessage): Page | Promise<Page> {
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
    if (endpoint === undefined)
      return text(404, `no such page; there are ${Object.keys(ENDPOINTS).join(", ")}`);
    const method = request.method === "HEAD" ? "GET" : request.method;
    const answer = METHODS.includes(method as Method) ? endpoint[method as Method] : undefined;
    if (answer === undefined) {
      const known = METHODS.filter((one) => endpoint[one] !== undefined);
      return { ...text(405, `use ${known.join(" or ")}`), allow: known.join(", ") };
    }
    if (!endpoint.open && !this.#loopback) {
      return text(403, `${path} is served on a loopback address only: start with --admin 127.0.0.1:PORT`);
    }
    if (method !== "GET" && isFromElsewhere(request)) {
      return text(403, "a page of another site may change nothing here");
    }
    return answer(this.#sources, { query: new URLSearchParams(query) });
  }
}

/** Browsers say where a page that changes something comes from; programs need not. */
function isFromElsewhere({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin !== undefined && origin !== `http://${host}`;
}

function json(status: number, value: unknown): Page {
  const body = `${JSON.stringify(value, withoutKeys, 2)}\n`;
  return { status, contentType: "application/json", body };
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
