// A plain HTTP client for end-to-end tests: one request on a connection of its own, and what came back.
import { type IncomingHttpHeaders, request } from "node:http";

export interface ClientRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  /** Loopback address that the client binds. */
  readonly localAddress?: string;
  readonly body?: string;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookie: readonly string[];
  /** Name of the replica that answered; undefined when the gateway answered by itself. */
  readonly replica: string | undefined;
  readonly body: string;
}

/** Sends one request to 127.0.0.1; rejects when the connection breaks. */
export function send(port: number, one: ClientRequest = {}): Promise<ClientAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        method: one.method ?? "GET",
        path: one.path ?? "/get",
        headers: { host: "www.example.com", ...one.headers },
        agent: false,
        ...(one.localAddress === undefined ? {} : { localAddress: one.localAddress }),
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          body += text;
        });
        response.on("error", reject);
        response.on("end", () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookie: response.headers["set-cookie"] ?? [],
            replica: response.headers["x-replica"] as string | undefined,
            body,
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(one.body);
  });
}

/** The same request `count` times, one after the other. */
export async function sendMany(
  port: number,
  count: number,
  one: ClientRequest = {},
): Promise<ClientAnswer[]> {
  const answers: ClientAnswer[] = [];
  for (let index = 0; index < count; index++) answers.push(await send(port, one));
  return answers;
}

/** Names of the replicas that answered, without repetition. */
export function replicasOf(answers: readonly ClientAnswer[]): string[] {
  return [...new Set(answers.map((answer) => answer.replica ?? `status ${answer.status}`))].sort();
}

/**
 * The replicas that requests without any session reach: asks until more than one has answered, 60 requests at most.
 * With two replicas and random choice one alone answers all of them once in 10^17 runs.
 */
export async function spread(port: number, one: ClientRequest = {}): Promise<string[]> {
  const answers: ClientAnswer[] = [];
  while (answers.length < 60 && replicasOf(answers).length < 2)
    answers.push(...(await sendMany(port, 5, one)));
  return replicasOf(answers);
}

/** `name=value` of a Set-Cookie line, as a client sends it back. */
export function cookiePair(setCookie: string | undefined): string {
  if (setCookie === undefined) throw new Error("the answer sets no cookie");
  return setCookie.split(";", 1)[0] as string;
}
