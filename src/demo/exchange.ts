// One request at a replica and the ways to answer it.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Name of the replica. */
  readonly pod: string;
  /** Writes the request down. */
  record(status: number): void;
}

/** Header values by name, one entry a line, as they came. */
export function headerLists(request: IncomingMessage): Record<string, readonly string[]> {
  const lists: Record<string, readonly string[]> = Object.create(null);
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] as string;
    const value = request.rawHeaders[index + 1] as string;
    lists[name] = [...(lists[name] ?? []), value];
  }
  return lists;
}

/** The client's IP: what the gateway says of it, else the TCP peer. */
export function clientOf(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(",")[0]?.trim();
  return first || (request.socket.remoteAddress ?? "unknown");
}

/** What every answer about a request says; indented, so that `grep pod` finds exactly one line. */
export function description({ request, pod }: Exchange): Record<string, unknown> {
  return {
    path: request.url,
    host: request.headers.host ?? "",
    method: request.method,
    proto: `HTTP/${request.httpVersion}`,
    headers: headerLists(request),
    pod,
  };
}

/** Begins the answer. It is written down first, so that a client that has its answer finds it in the log. */
export function sendHead(
  { response, pod, record }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
): ServerResponse {
  record(status);
  return response.writeHead(status, { "x-replica": pod, ...headers });
}

export function sendJson(
  exchange: Exchange,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const bytes = Buffer.from(`${JSON.stringify(body, null, 2)}\n`);
  const content = { "content-type": "application/json", "content-length": bytes.length };
  sendHead(exchange, status, { ...content, ...headers }).end(bytes);
}
