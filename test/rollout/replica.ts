// An endpoint of a rollout: it has a name, remembers the sessions that it has seen, and leaves when nobody asks any more.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export const SESSION_HEADER = "x-session";
/** Is answered after a while, so that something is in flight whatever happens. */
export const SLOW_PATH = "/slow";
const SLOW_MS = 40;
/** Requests that were on their way have arrived by then. */
const QUIET_MS = 250;

/** What it answers with, in JSON. */
export interface ReplicaAnswer {
  readonly replica: string;
  /** The session has been here before. */
  readonly known: boolean;
}

export class RolloutReplica {
  readonly name: string;
  readonly uid = randomUUID();
  readonly port: number;
  readonly #host: string;
  readonly #sessions = new Set<string>();
  readonly #server: Server;
  #inFlight = 0;
  #lastMs = 0;
  #leaving = false;

  constructor(name: string, port: number, host = "127.0.0.1") {
    this.name = name;
    this.port = port;
    this.#host = host;
    this.#server = createServer((request, response) => this.#answer(request, response));
    // Longer than the gateway keeps a connection waiting, which is what any backend needs behind any proxy.
    this.#server.keepAliveTimeout = 60_000;
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.port, this.#host, resolve);
    });
  }

  /** Resolves when nothing is in flight, and nothing has come for a while. */
  async quiet(): Promise<void> {
    while (this.#inFlight > 0 || performance.now() - this.#lastMs < QUIET_MS) await delay(20);
  }

  /**
   * As servers do at SIGTERM: nobody can connect any more, idle connections end, and those with a request in flight do with
   * its answer. Resolves when none is left.
   */
  leave(): Promise<void> {
    this.#leaving = true;
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Resolves when its port is free. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    return closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight += 1;
    this.#lastMs = performance.now();
    response.once("close", () => {
      this.#inFlight -= 1;
    });
    const session = String(request.headers[SESSION_HEADER]);
    const known = this.#sessions.has(session);
    this.#sessions.add(session);
    const answer = JSON.stringify({ replica: this.name, known } satisfies ReplicaAnswer);
    if (request.url === SLOW_PATH) setTimeout(() => this.#end(response, answer), SLOW_MS);
    else this.#end(response, answer);
  }

  #end(response: ServerResponse, answer: string): void {
    if (this.#leaving) response.setHeader("connection", "close");
    response.end(answer);
  }
}
