// A proxy that runs with one configuration, from its start to its end, and the check that it does the work of the others.
import type { ChildProcess } from "node:child_process";
import { Agent, get as getPlain } from "node:http";
import { get as getSecure } from "node:https";
import { isIP } from "node:net";
import { BOTH_CORES, PROXY_CORE, removeFolder, start, stderrOf, stop, temporaryFolder } from "./children.ts";
import type { WhoAmI } from "./origins/plain.ts";
import { HASH_HEADER, type Peer, SESSION_COOKIE, type Setup } from "./peer.ts";
import { type Usage, usageOf } from "./usage.ts";

const READY_MS = 60_000;
const ASK_EVERY_MS = 2;
/** Requests at a time that begin sessions, each on a connection that it keeps. */
const BEGINNERS = 16;
/** After so many sessions in a row whose cookies were known already, there are no others. */
const KNOWN_IN_A_ROW = 500;

export interface Answer {
  readonly status: number;
  readonly setCookie: readonly string[];
  readonly body: string;
}

/** One request, on a connection of its own unless an agent has one; rejects when there is no whole answer. */
export function ask(
  { port, tls }: Pick<Setup, "port" | "tls">,
  path: string,
  headers: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const get = tls === undefined ? getPlain : getSecure;
  return new Promise((resolve, reject) => {
    const request = get(
      { host: "127.0.0.1", port, path, headers, agent, timeout: 5_000, rejectUnauthorized: false },
      (answer) => {
        let body = "";
        answer.setEncoding("latin1").on("data", (text: string) => {
          body += text;
        });
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, setCookie: answer.headers["set-cookie"] ?? [], body }),
        );
      },
    );
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
  });
}

export class RunningPeer {
  readonly peer: Peer;
  readonly child: ChildProcess;
  readonly folder: string;
  /** From the start of the program to its first answer from an endpoint. */
  readonly startMs: number;
  setup: Setup;

  private constructor(peer: Peer, child: ChildProcess, folder: string, setup: Setup, startMs: number) {
    this.peer = peer;
    this.child = child;
    this.folder = folder;
    this.setup = setup;
    this.startMs = startMs;
  }

  /** Resolves once it answers for the last hostname. */
  static async start(peer: Peer, command: string, setup: Setup): Promise<RunningPeer> {
    const folder = temporaryFolder();
    peer.write(setup, folder);
    const args = peer.args(setup, folder);
    const started = performance.now();
    const child = start(setup.workers > 1 ? BOTH_CORES : PROXY_CORE, command, args, {
      env: { ...process.env, ...peer.env },
    });
    try {
      await answers(setup, child);
    } catch (error) {
      await stop(child);
      throw new Error(`${peer.name}: ${(error as Error).message}`);
    }
    return new RunningPeer(peer, child, folder, setup, performance.now() - started);
  }

  get usage(): Usage {
    return usageOf(this.child.pid ?? 0);
  }

  /** Milliseconds until the last hostname of the new configuration is served. */
  async reload(setup: Setup): Promise<number> {
    this.peer.write(setup, this.folder);
    this.setup = setup;
    const started = performance.now();
    await this.peer.reload?.(setup, this.folder, this.child);
    await answers(setup, this.child);
    return performance.now() - started;
  }

  /** Throws where it does less than the others: the header work of every row, and the affinity of this one. */
  async check(): Promise<void> {
    const headers = Object.fromEntries([[HASH_HEADER, "u-1"], ...(await this.#sessionHeader())]);
    const ports = new Set<number>();
    const ids = new Set<string>();
    for (let time = 0; time < 10; time++) {
      const seen = JSON.parse((await ask(this.setup, "/whoami", headers)).body) as WhoAmI;
      // Envoy writes the machine's own address for a client on loopback.
      if (!isIP(seen.forwardedFor)) throw this.#defect(`X-Forwarded-For is "${seen.forwardedFor}"`);
      ports.add(seen.port);
      ids.add(seen.requestId);
    }
    if (ids.size !== 10 || ids.has("")) throw this.#defect("it does not give every request an id");
    if (ports.size !== 1) throw this.#defect("it does not keep a client on one endpoint");
  }

  async #sessionHeader(): Promise<[string, string][]> {
    if (this.setup.affinity === "hash") return [];
    return [["cookie", (await this.sessionCookies())[0] as string]];
  }

  /** A cookie for each endpoint, as the proxy itself issues them; names of sessions for one that issues none. */
  async sessionCookies(): Promise<string[]> {
    const { endpoints } = this.setup;
    const cookies = new Set<string>();
    for (let time = 0; cookies.size < endpoints.length && time < 200; time++) {
      const { setCookie } = await ask(this.setup, "/whoami");
      const own = setCookie.find((line) => line.startsWith(`${SESSION_COOKIE}=`));
      if (own === undefined) return endpoints.map((_, index) => `${SESSION_COOKIE}=session-${index}`);
      cookies.add(own.split(";")[0] as string);
    }
    if (cookies.size !== endpoints.length) throw this.#defect(`it issues ${cookies.size} different cookies`);
    return [...cookies];
  }

  /**
   * Cookies of so many sessions, fewer where several sessions have the same cookie. Over plain HTTP.
   * @param count more than there are endpoints
   */
  async cookiesOfSessions(count: number): Promise<string[]> {
    const cookies = new Set(await this.sessionCookies());
    const agent = new Agent({ keepAlive: true, maxSockets: BEGINNERS });
    let known = 0;
    const begin = async () => {
      while (cookies.size < count && known < KNOWN_IN_A_ROW) {
        const { setCookie } = await ask(this.setup, "/", {}, agent);
        const before = cookies.size;
        for (const line of setCookie) cookies.add(line.split(";")[0] as string);
        known = cookies.size === before ? known + 1 : 0;
      }
    };
    await Promise.all(Array.from({ length: BEGINNERS }, begin));
    agent.destroy();
    return [...cookies].slice(0, count);
  }

  async stop(): Promise<void> {
    await stop(this.child);
    removeFolder(this.folder);
  }

  #defect(message: string): Error {
    return new Error(`${this.peer.name} is not set up like the others: ${message}`);
  }
}

async function answers(setup: Setup, child: ChildProcess): Promise<void> {
  const hostname = setup.hostnames.at(-1);
  const deadline = performance.now() + READY_MS;
  const headers = hostname === undefined ? {} : { host: hostname };
  for (;;) {
    const status = await ask(setup, "/", headers).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status >= 200 && status < 300) return;
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${stderrOf(child)}`);
    if (performance.now() > deadline) throw new Error(`does not answer: ${stderrOf(child)}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
