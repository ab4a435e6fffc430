// One request of a soak client, with what its connection tells when it breaks.
import { createHash } from "node:crypto";
import type { Agent, IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import type { Socket } from "node:net";
import type { Ledger } from "./ledger.ts";

export interface Question {
  readonly kind: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
  /** False: a connection of its own. */
  readonly agent: Agent | false;
  /** Told when the head of a response is there. */
  readonly onResponse?: (socket: Socket) => void;
  /** Over TLS. */
  readonly tls?: RequestOptions & { readonly servername: string; readonly ca: string };
}

export interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const OPENED = Symbol("opened");
type DatedSocket = Socket & { [OPENED]?: number };
const IDEMPOTENT = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]);

class Broken extends Error {
  readonly begun: boolean;
  readonly openedMs: number;

  constructor(cause: NodeJS.ErrnoException, begun: boolean, openedMs: number) {
    super(cause.code ?? cause.message);
    this.begun = begun;
    this.openedMs = openedMs;
  }
}

/** The answer with status 200 whose body holds; undefined where the request was lost, which the ledger knows then. */
export async function ask(
  ledger: Ledger,
  question: Question,
  holds: (body: Buffer) => boolean,
): Promise<Answer | undefined> {
  for (;;) {
    try {
      const { status, ...answer } = await exchange(question);
      if (status !== 200)
        ledger.fail(question.kind, `status ${status}: ${answer.body.toString().slice(0, 200)}`);
      else if (!holds(answer.body)) ledger.fail(question.kind, "another body than expected");
      else ledger.succeeded(question.kind);
      return status === 200 ? answer : undefined;
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      const repeatable = IDEMPOTENT.has(question.method ?? "GET") && !error.begun;
      const { message: reason, openedMs } = error;
      const next = ledger.lost({ kind: question.kind, reason, broken: true, repeatable, openedMs });
      if (next === "go on") return undefined;
    }
  }
}

function exchange(question: Question): Promise<Answer & { readonly status: number }> {
  const { port, path, method = "GET", headers = {}, body, agent, tls } = question;
  // Before the socket exists it counts as opened now: a refused connection is never excused.
  let openedMs = Date.now();
  let begun = false;
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new Broken(error, begun, openedMs));
    const onResponse = (response: IncomingMessage) => {
      begun = true;
      question.onResponse?.(response.socket);
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
      response.once("error", fail);
    };
    const options = { host: "127.0.0.1", port, path, method, headers, agent };
    const outgoing =
      tls === undefined
        ? request(options, onResponse)
        : requestTls({ ...options, ...tls } as object, onResponse);
    outgoing.once("socket", (socket: DatedSocket) => {
      socket[OPENED] ??= Date.now();
      openedMs = socket[OPENED];
    });
    outgoing.once("error", fail);
    outgoing.end(body);
  });
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
