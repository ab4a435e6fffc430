// The cluster's own access to its API server, apart from the client that is under test: JSON over HTTPS with a bearer token.
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import {
  ApiError,
  type KubernetesClient,
  type RequestMethod,
  type RequestOptions,
  type WatchEvent,
} from "../../../src/kubernetes/api/client.ts";

export interface ClientOptions {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly authority: string;
  readonly token: string;
}

const TIMEOUT_MS = 30_000;

export class TestClient implements KubernetesClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, ca: options.authority });
  }

  async request<T>(method: RequestMethod, path: string, options: RequestOptions = {}): Promise<T> {
    const { query = {}, body, contentType = "application/json", timeoutMs = TIMEOUT_MS } = options;
    const signals = [
      AbortSignal.timeout(timeoutMs),
      ...(options.signal === undefined ? [] : [options.signal]),
    ];
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.#send(method, withQuery(path, query), AbortSignal.any(signals), {
      ...(text !== undefined && { text, contentType }),
    });
    const answer = await wholeText(response);
    const status = response.statusCode ?? 0;
    if (status >= 300) throw refusal(status, answer, response);
    // A few non-JSON answers, such as /readyz and logs.
    return (isJson(response) ? JSON.parse(answer) : answer) as T;
  }

  async watch(
    path: string,
    query: Readonly<Record<string, string | number | boolean>>,
    { onEvent, quietLimitMs, signal }: Parameters<KubernetesClient["watch"]>[2],
  ): Promise<void> {
    const watching = withQuery(path, { ...query, watch: true, allowWatchBookmarks: true });
    const response = await this.#send("GET", watching, signal, {});
    const status = response.statusCode ?? 0;
    if (status >= 300) throw refusal(status, await wholeText(response), response);
    response.setEncoding("utf8");
    response.socket.setTimeout(quietLimitMs, () =>
      response.destroy(new Error("the watch is quiet for too long")),
    );
    let rest = "";
    try {
      for await (const chunk of response) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() as string;
        for (const line of lines) if (line !== "") onEvent(JSON.parse(line) as WatchEvent);
      }
    } catch (error) {
      throw new ApiError(`the watch of ${path} broke: ${String(error)}`, { status: 0, cause: error });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(
    method: string,
    path: string,
    signal: AbortSignal,
    { text, contentType }: { text?: string; contentType?: string },
  ): Promise<IncomingMessage> {
    const { host, port, token } = this.#options;
    const headers = {
      accept: "application/json",
      authorization: `Bearer ${token}`,
      ...(text !== undefined && { "content-type": contentType, "content-length": Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request({ host, port, method, path, headers, agent: this.#agent, signal }, resolve);
      outgoing.on("error", (error) =>
        reject(new ApiError(`${method} ${path}: ${error.message}`, { status: 0, cause: error })),
      );
      outgoing.end(text);
    });
  }
}

function withQuery(path: string, query: Readonly<Record<string, string | number | boolean>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]);
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

async function wholeText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function isJson(response: IncomingMessage): boolean {
  return response.headers["content-type"]?.startsWith("application/json") === true;
}

function refusal(status: number, answer: string, response: IncomingMessage): ApiError {
  const { message = answer, reason = "" } = isJson(response)
    ? (JSON.parse(answer) as { message?: string; reason?: string })
    : {};
  return new ApiError(message, { status, reason });
}
