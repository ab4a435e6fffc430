// Clients of a rollout: each has one connection that it keeps, and asks for one session after the other.
import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type ReplicaAnswer, SESSION_HEADER, SLOW_PATH } from "./replica.ts";
import type { Session, SessionLedger } from "./session-ledger.ts";

/** A connection is given up after so many requests, so that gateways that have come back get some. */
const REQUESTS_PER_CONNECTION = 150;
const SLOW_SHARE = 0.02;
const BEGINNERS = 8;
const FIRST_CONNECTIONS = 3;

/** Sessions in the order in which they are asked for: each once in every round, at random. */
export class Rounds {
  readonly sessions: Session[] = [];
  /** Sessions that have a request under way. */
  readonly #busy = new Set<Session>();
  #order: Session[] = [];
  #begun = 0;

  /** How many have begun. */
  get begun(): number {
    return this.#begun;
  }

  /** One that nobody asks for just now; undefined: there is none. */
  next(): Session | undefined {
    for (let tries = 0; tries <= this.sessions.length; tries++) {
      const session = this.#order.pop() ?? this.#shuffle();
      if (session === undefined) return undefined;
      if (!this.#busy.has(session)) {
        this.#busy.add(session);
        return session;
      }
      // From the round before: its turn in this one comes last.
      this.#order.unshift(session);
    }
    return undefined;
  }

  done(session: Session): void {
    this.#busy.delete(session);
  }

  /** Begins a new round, and resolves when it is over: everybody who is there now has been asked since. One at a time. */
  async complete(): Promise<void> {
    this.#order = [];
    const goal = this.#begun + 2;
    while (this.#begun < goal) await delay(20);
    // The last of a round are still under way when the next one begins.
    const left = [...this.#busy];
    while (left.some((session) => this.#busy.has(session))) await delay(5);
  }

  #shuffle(): Session | undefined {
    this.#begun += 1;
    this.#order = [...this.sessions];
    for (let index = this.#order.length - 1; index > 0; index--) {
      const other = Math.floor(Math.random() * (index + 1));
      const session = this.#order[index] as Session;
      this.#order[index] = this.#order[other] as Session;
      this.#order[other] = session;
    }
    return this.#order.pop();
  }
}

export interface ClientsOptions {
  readonly port: number;
  readonly ledger: SessionLedger;
  /** Ask without a pause. */
  readonly busy: number;
  /** Leave their connection alone for up to `MAX_PAUSE_MS` between two requests. */
  readonly idling: number;
}

/** How many clients that idle make so many requests a second. */
export function idlingFor(requestsPerSec: number): number {
  return Math.round((requestsPerSec * MAX_PAUSE_MS) / 2_000);
}

const MAX_PAUSE_MS = 3_000;

/** The connection broke. */
class Broken extends Error {
  /** `idle`: it had carried a request before, and nothing of an answer has come; `fresh`: as that, but it had not. */
  readonly when: "idle" | "fresh" | "answering";

  constructor(cause: NodeJS.ErrnoException, when: Broken["when"]) {
    super(cause.code ?? cause.message);
    this.when = when;
  }
}

interface Reply {
  readonly status: number;
  readonly gateway: string | undefined;
  readonly cookie: string | undefined;
  readonly answer: ReplicaAnswer | undefined;
}

export class Clients {
  readonly rounds = new Rounds();
  /** Requests that were sent once more because an idle connection had been closed. */
  retries = 0;
  /** While true, the fresh connections of a gateway that dies may break too: requests are sent once more, and counted here. */
  mayBreak = false;
  repeats = 0;
  readonly #options: ClientsOptions;
  #running: Promise<unknown> | undefined;
  #stopped = false;
  #lastId = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /**
   * So many new sessions. Each is asked for again at once over other connections, as browsers do: whatever gateway they lead
   * to has to know where it began. Resolves when all is answered.
   */
  async begin(count: number): Promise<void> {
    const sessions = Array.from({ length: count }, () => newSession(++this.#lastId));
    const left = [...sessions];
    const beginners = Array.from({ length: BEGINNERS }, async () => {
      const agents = Array.from({ length: FIRST_CONNECTIONS }, newAgent);
      for (let session = left.pop(); session !== undefined; session = left.pop()) {
        for (const agent of agents) await this.#ask(session, agent, 1);
        this.rounds.sessions.push(session);
      }
      for (const agent of agents) agent.destroy();
    });
    await Promise.all(beginners);
  }

  /** Asks for all sessions, again and again, until it is stopped. */
  start(): void {
    const { busy, idling } = this.#options;
    const clients = Array.from({ length: busy + idling }, (_, index) =>
      this.#run(index < busy ? 0 : MAX_PAUSE_MS),
    );
    this.#running = Promise.all(clients);
  }

  /** Resolves when the last answer is there. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(maxPauseMs: number): Promise<void> {
    const agent = newAgent();
    for (let asked = 1; !this.#stopped; asked++) {
      const session = this.rounds.next();
      if (session !== undefined) {
        await this.#ask(session, agent, asked);
        this.rounds.done(session);
      }
      if (maxPauseMs > 0 || session === undefined) await delay(1 + Math.random() * maxPauseMs);
    }
    agent.destroy();
  }

  async #ask(session: Session, agent: Agent, asked: number): Promise<void> {
    const { ledger, port } = this.#options;
    const sentMs = ledger.nowMs();
    for (let retried = false; ; retried = true) {
      try {
        const reply = await exchange(port, session, agent, asked % REQUESTS_PER_CONNECTION === 0);
        if (reply.cookie !== undefined) session.cookie = reply.cookie;
        const { status, gateway, answer } = reply;
        ledger.judge(session, {
          status,
          gateway,
          replica: answer?.replica,
          known: answer?.known ?? false,
          sentMs,
        });
        return;
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        if (retried || !this.#mayRepeat(error)) {
          ledger.fail(`session ${session.id}: ${error.message}${retried ? ", twice" : ""}`);
          return;
        }
        if (error.when === "idle") this.retries += 1;
        else this.repeats += 1;
      }
    }
  }

  /** Whatever is sent here is idempotent. */
  #mayRepeat({ when }: Broken): boolean {
    return when === "idle" || (when === "fresh" && this.mayBreak);
  }
}

function newSession(number: number): Session {
  return { id: String(number), cookie: undefined, home: undefined };
}

/** One connection, which is kept. */
function newAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** Rejects with Broken. */
function exchange(port: number, { id, cookie }: Session, agent: Agent, last: boolean): Promise<Reply> {
  const headers: Record<string, string> = { [SESSION_HEADER]: id };
  if (cookie !== undefined) headers["cookie"] = cookie;
  if (last) headers["connection"] = "close";
  const path = Math.random() < SLOW_SHARE ? SLOW_PATH : "/";
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers, agent }, (response) => {
      response.once("error", (error) => reject(new Broken(error, "answering")));
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve(replyOf(response, text)));
    });
    outgoing.once("error", (error) => reject(new Broken(error, outgoing.reusedSocket ? "idle" : "fresh")));
    outgoing.end();
  });
}

function replyOf({ statusCode = 0, headers }: IncomingMessage, text: string): Reply {
  const gateway = headers["x-gateway"];
  return {
    status: statusCode,
    gateway: typeof gateway === "string" ? gateway : undefined,
    cookie: headers["set-cookie"]?.[0]?.split(";", 1)[0],
    answer: statusCode === 200 ? (JSON.parse(text) as ReplicaAnswer) : undefined,
  };
}
