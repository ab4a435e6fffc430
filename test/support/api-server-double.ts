// A double of an API server that speaks HTTP: lists in pages and watches, and fails on demand. The real one needs more than npm.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface DoubleObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface HeardRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Watcher {
  readonly path: string;
  readonly response: ServerResponse;
}

interface LoggedEvent {
  readonly version: number;
  readonly path: string;
  readonly line: string;
}

/** Collections are known by their path (`/api/v1/services`); objects of any namespace stand in it. */
export class ApiServerDouble {
  readonly #server: Server;
  readonly #collections = new Map<string, Map<string, DoubleObject>>();
  #watchers: Watcher[] = [];
  #log: LoggedEvent[] = [];
  #version = 100;
  /** Versions up to this one are forgotten: 410. */
  #compacted = -1;
  readonly requests: HeardRequest[] = [];
  /** What to answer in place of what is asked for; undefined: nothing else. */
  refuse: (request: HeardRequest) => Refusal | undefined = () => undefined;
  /** Whether to hang up without a word, or to leave the request without an answer. */
  neglect: (request: HeardRequest) => "hang-up" | "silence" | undefined = () => undefined;
  /** What to say instead of JSON, for whatever is not refused. */
  garble: (request: HeardRequest) => string | undefined = () => undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(tls?: {
    readonly cert: string;
    readonly key: string;
    readonly ca?: string;
  }): Promise<ApiServerDouble> {
    const server =
      tls === undefined
        ? createServer()
        : (createTlsServer({ ...tls, requestCert: tls.ca !== undefined }) as unknown as Server);
    const double = new ApiServerDouble(server);
    server.on("request", (request, response) => void double.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return double;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Its kind is there from now on, and has nothing yet. */
  serve(path: string): void {
    if (!this.#collections.has(path)) this.#collections.set(path, new Map());
  }

  unserve(path: string): void {
    this.#collections.delete(path);
    for (const { response } of this.#watchersOf(path)) response.end();
  }

  put(path: string, object: DoubleObject): void {
    this.serve(path);
    const all = this.#collections.get(path) as Map<string, DoubleObject>;
    const key = keyOf(object);
    const type = all.has(key) ? "MODIFIED" : "ADDED";
    const stored = this.#stamped(object);
    all.set(key, stored);
    this.#tell(path, type, stored);
  }

  remove(path: string, object: DoubleObject): void {
    this.#collections.get(path)?.delete(keyOf(object));
    this.#tell(path, "DELETED", this.#stamped(object));
  }

  bookmark(path: string): void {
    this.#tell(path, "BOOKMARK", this.#stamped({ metadata: { name: "" } }));
  }

  /** Tells watchers that they are too late, as an event. */
  expire(path: string): void {
    const object = {
      kind: "Status",
      metadata: { name: "" },
      ...statusOf({ status: 410, reason: "Expired" }),
    };
    this.#tell(path, "ERROR", object);
    this.endWatches(path);
  }

  /** Nobody can begin at a version from before. */
  compact(): void {
    this.#compacted = this.#version;
    this.#version += 1;
    this.#log = [];
  }

  watchers(path: string): number {
    return this.#watchersOf(path).length;
  }

  /** Breaks the connections. */
  dropWatches(path: string): void {
    for (const { response } of this.#watchersOf(path)) response.destroy();
  }

  /** Ends the responses, as the server does when their time is over. */
  endWatches(path: string): void {
    for (const { response } of this.#watchersOf(path)) response.end();
  }

  /** Sends these bytes, whatever they are. */
  sendRaw(path: string, bytes: string | Buffer): void {
    for (const { response } of this.#watchersOf(path)) response.write(bytes);
  }

  /** How often a request with this path, and query if given, was heard. */
  heard(path: string, query: Readonly<Record<string, string>> = {}): number {
    return this.requests.filter((request) => {
      return (
        request.path === path &&
        Object.entries(query).every(([name, value]) => request.query.get(name) === value)
      );
    }).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "http://double");
    const body = await text(incoming);
    const { method = "", headers } = incoming;
    const request = { method, path: url.pathname, query: url.searchParams, headers, body };
    this.requests.push(request);
    const neglect = this.neglect(request);
    if (neglect === "hang-up") incoming.socket.destroy();
    if (neglect !== undefined) return;
    const refusal = this.refuse(request) ?? this.#ownRefusal(request);
    if (refusal !== undefined) {
      answer(
        response,
        refusal.status,
        JSON.stringify({ kind: "Status", ...statusOf(refusal) }),
        refusal.headers,
      );
      return;
    }
    const garbled = this.garble(request);
    if (garbled !== undefined) answer(response, 200, garbled);
    else if (request.query.get("watch") === "true") this.#watch(request, response);
    else answer(response, 200, JSON.stringify(this.#read(request)));
  }

  #ownRefusal({ path, query }: HeardRequest): Refusal | undefined {
    const isThere = this.#collections.has(path) || this.#object(path) !== undefined;
    if (!isThere) return { status: 404, reason: "NotFound" };
    const from = query.get("resourceVersion") ?? query.get("continue")?.split("/")[1];
    return from != null && Number(from) <= this.#compacted ? { status: 410, reason: "Expired" } : undefined;
  }

  #read({ path, query, headers }: HeardRequest): unknown {
    const collection = this.#collections.get(path);
    if (collection === undefined) return this.#object(path);
    const [start = "0", version = String(this.#version)] = (query.get("continue") ?? "")
      .split("/")
      .filter(Boolean);
    const end = Number(start) + Number(query.get("limit") ?? Infinity);
    const all = [...collection.values()];
    const items = all.slice(Number(start), end).map((one) => shown(one, headers.accept));
    const more = end < all.length ? { continue: `${end}/${version}` } : {};
    const isEmpty = items.length === 0 && isMetadataOnly(headers.accept);
    return { kind: "List", metadata: { resourceVersion: version, ...more }, items: isEmpty ? null : items };
  }

  #watch({ path, query }: HeardRequest, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const watcher = { path, response };
    this.#watchers.push(watcher);
    response.on("close", () => {
      this.#watchers = this.#watchers.filter((one) => one !== watcher);
    });
    const from = Number(query.get("resourceVersion"));
    for (const event of this.#log) {
      if (event.path === path && event.version > from) response.write(event.line);
    }
  }

  #tell(path: string, type: string, object: DoubleObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    if (type !== "BOOKMARK" && type !== "ERROR") this.#log.push({ version: this.#version, path, line });
    for (const { response } of this.#watchersOf(path)) response.write(line);
  }

  #stamped(object: DoubleObject): DoubleObject {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #object(path: string): DoubleObject | undefined {
    const slash = path.lastIndexOf("/");
    return this.#collections.get(path.slice(0, slash))?.get(`/${path.slice(slash + 1)}`);
  }

  #watchersOf(path: string): readonly Watcher[] {
    return this.#watchers.filter((watcher) => watcher.path === path);
  }
}

function keyOf({ metadata: { namespace = "", name } }: DoubleObject): string {
  return `${namespace}/${name}`;
}

/** Items of a list go without `apiVersion` and `kind`, as those of kinds that Kubernetes itself has. */
function shown({ apiVersion: _, kind: __, ...rest }: DoubleObject, accept = ""): object {
  return isMetadataOnly(accept) ? { metadata: rest.metadata } : rest;
}

function isMetadataOnly(accept = ""): boolean {
  return accept.includes("PartialObjectMetadata");
}

function statusOf({ status, reason = "", message = "as the test asked for" }: Refusal) {
  return { apiVersion: "v1", code: status, reason, message };
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}
