// The client: JSON over HTTP/1.1 to one API server, with a deadline for everything and fresh credentials after a 401.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Clock } from "../clock.ts";
import {
  ApiError,
  type KubernetesClient,
  QUIET,
  type RequestMethod,
  type RequestOptions,
  type WatchEvent,
  type WatchOptions,
} from "./client.ts";
import type { ApiConnection, Credentials, TlsSettings } from "./credentials.ts";
import { Deadline } from "./deadline.ts";
import { answerIn, refusal, textIn } from "./response.ts";
import { eachEvent } from "./watch-stream.ts";

export interface ApiClientOptions {
  readonly connection: ApiConnection;
  /** `limpet/1.2.3`. */
  readonly userAgent: string;
  readonly clock: Clock;
  /** For the whole of a request, if it does not say itself. */
  readonly requestTimeoutMs?: number;
  /** Of one response. */
  readonly maxBodyBytes?: number;
}

type Query = RequestOptions["query"];

interface Call {
  readonly method: RequestMethod;
  readonly path: string;
  readonly query: Query;
  readonly accept: string;
  readonly body?: string;
  readonly contentType?: string;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** A page of a list has to fit: 170 objects as large as etcd takes them, 500 of any usual size. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;
/** Below the time after which API servers close idle connections, so that a request seldom meets one that closes. */
const IDLE_CONNECTION_MS = 30_000;

const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

export class ApiClient implements KubernetesClient {
  readonly #options: ApiClientOptions;
  #agent: HttpAgent | undefined;
  /** That of the agent. */
  #tls: TlsSettings | undefined;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  async request<T>(method: RequestMethod, path: string, options: RequestOptions = {}): Promise<T> {
    const { query, body, metadataOnly = false } = options;
    const { clock, requestTimeoutMs = REQUEST_TIMEOUT_MS, maxBodyBytes = MAX_BODY_BYTES } = this.#options;
    const timeoutMs = options.timeoutMs ?? requestTimeoutMs;
    const what = `${method} ${path}`;
    const call: Call = {
      method,
      path,
      query,
      accept: metadataOnly ? METADATA_LIST_ONLY : "application/json",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), contentType: options.contentType ?? "application/json" }),
    };
    const deadline = new Deadline(clock, timeoutMs, unanswered(what, timeoutMs), options.signal);
    try {
      const response = await this.#answer(call, deadline.signal);
      const answer = answerIn(what, await textIn(what, response, maxBodyBytes));
      // So the API server writes an empty list, where only metadata was asked for.
      if (answer.items === null) answer.items = [];
      return answer as T;
    } catch (error) {
      throw deadline.reason ?? failure(what, error);
    } finally {
      deadline.end();
    }
  }

  async watch(path: string, query: NonNullable<Query>, options: WatchOptions): Promise<void> {
    const { onEvent, onOpen, quietLimitMs, signal, metadataOnly = false } = options;
    const { clock, requestTimeoutMs = REQUEST_TIMEOUT_MS } = this.#options;
    const what = `GET ${path}`;
    const call: Call = {
      method: "GET",
      path,
      query: { ...query, watch: true },
      accept: metadataOnly ? METADATA_ONLY : "application/json",
    };
    const deadline = new Deadline(clock, requestTimeoutMs, unanswered(what, requestTimeoutMs), signal);
    let mistake: { readonly error: unknown } | undefined;
    const tell = (event: WatchEvent): void => {
      try {
        onEvent(event);
      } catch (error) {
        mistake = { error };
        throw error;
      }
    };
    try {
      const response = await this.#answer(call, deadline.signal);
      const silent = `${what}: the watch was silent for ${quietLimitMs} ms`;
      deadline.replace(quietLimitMs, new ApiError(silent, { status: 0, reason: QUIET }));
      onOpen?.();
      await eachEvent(what, response, tell, () => deadline.extend());
    } catch (error) {
      if (mistake !== undefined) throw mistake.error;
      throw deadline.reason ?? failure(what, error);
    } finally {
      deadline.end();
    }
  }

  /** Closes what is open; watches break, and no plugin keeps the process from its end. */
  close(): void {
    this.#options.connection.credentials.close?.();
    this.#agent?.destroy();
  }

  /** A response that is no refusal; its body is still to come. */
  async #answer(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const { credentials } = this.#options.connection;
    const { maxBodyBytes = MAX_BODY_BYTES } = this.#options;
    const first = await unlessAborted(credentials.get(), signal);
    let response = await this.#send(call, first, signal);
    if (response.statusCode === 401) {
      response.resume();
      response = await this.#send(call, await unlessAborted(credentials.get(first), signal), signal);
    }
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const what = `${call.method} ${call.path}`;
    throw refusal(what, response, await textIn(what, response, maxBodyBytes));
  }

  async #send(call: Call, credentials: Credentials, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(call, credentials, signal);
    } catch (error) {
      // The server closed an idle connection just when the request came; of a GET nothing can have happened twice.
      if (call.method !== "GET" || signal.aborted || !(error instanceof StaleConnection)) throw error;
      return this.#sendOnce(call, credentials, signal);
    }
  }

  #sendOnce(call: Call, credentials: Credentials, signal: AbortSignal): Promise<IncomingMessage> {
    const { server } = this.#options.connection;
    const { method, body } = call;
    const options = {
      method,
      agent: this.#agentFor(server, credentials.tls),
      headers: this.#headers(call, credentials),
      signal,
    };
    return new Promise((resolve, reject) => {
      const send = server.protocol === "https:" ? httpsRequest : httpRequest;
      const sent = send(urlOf(server, call), options, resolve);
      sent.on("error", (cause: NodeJS.ErrnoException) => {
        reject(sent.reusedSocket && cause.code === "ECONNRESET" ? new StaleConnection(cause) : cause);
      });
      sent.end(body);
    });
  }

  #headers({ accept, body, contentType }: Call, { authorization }: Credentials): Record<string, string> {
    return {
      accept,
      "user-agent": this.#options.userAgent,
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined || contentType === undefined
        ? {}
        : { "content-type": contentType, "content-length": String(Buffer.byteLength(body)) }),
    };
  }

  /** Another one as soon as certificates are others; what goes on over the connections of the old one ends by itself. */
  #agentFor(server: URL, tls: TlsSettings): HttpAgent {
    if (this.#agent !== undefined && isSame(tls, this.#tls)) return this.#agent;
    const options = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
    this.#agent =
      server.protocol === "https:" ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
    this.#tls = tls;
    return this.#agent;
  }
}

class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** What makes credentials, a plugin that waits for somebody perhaps, goes on for the next who asks. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}

/** A server behind a path, as some vendors have it, keeps that path. */
function urlOf(server: URL, { path, query = {} }: Call): URL {
  const url = new URL(server);
  url.pathname = `${server.pathname.replace(/\/$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url;
}

function isSame(one: TlsSettings, other: TlsSettings | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function unanswered(what: string, timeoutMs: number): ApiError {
  return new ApiError(`${what}: no answer for ${timeoutMs} ms`, { status: 0 });
}

function failure(what: string, error: unknown): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  // Several addresses that all refused are an error without a message.
  const text = error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
  return new ApiError(`${what}: ${text}`, { status: 0, cause: error });
}
