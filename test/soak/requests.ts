// The soak's clients that ask and are answered: on kept connections and new ones, up and down, with sessions.
import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { cookiePair } from "../support/client.ts";
import { ask, type Question, sha256 } from "./asking.ts";
import type { Ledger } from "./ledger.ts";
import { DOWNLOAD_SIZE } from "./replicas.ts";

/** What clients go by. */
export interface Scene {
  readonly port: number;
  readonly ledger: Ledger;
  /** Ends all clients. */
  readonly stopped: () => boolean;
  /** Whether a replica has been out at any moment since then. */
  readonly wasOut: (replica: string, sinceMs: number) => boolean;
}

/** One client: runs until the scene ends. */
export type Client = (scene: Scene) => Promise<void>;

const PAUSE_MS = 20;
const UPLOAD_SIZE = 256 * 1024;
/** How long the gateway may go on using an endpoint that the files have lost: reloads take this long. */
const RELOAD_MS = 3_000;

/** Asks again and again, with a pause, on one connection or on new ones. */
function asking(
  kind: string,
  connections: "kept" | "new",
  question: () => Partial<Question> & Expectation,
): Client {
  return async (scene) => {
    const agent = connections === "kept" ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (!scene.stopped()) {
      const { holds, ...rest } = question();
      await ask(scene.ledger, { kind, port: scene.port, path: "/", agent, ...rest }, holds);
      await delay(PAUSE_MS);
    }
    if (agent !== false) agent.destroy();
  };
}

interface Expectation {
  readonly holds: (body: Buffer) => boolean;
}

const kept = asking("kept connection", "kept", () => ({
  path: "/kept",
  holds: (body) => body.toString() === "GET /kept",
}));

const fresh = asking("new connection", "new", () => ({
  path: "/new",
  holds: (body) => body.toString() === "GET /new",
}));

const download = asking("download", "kept", () => ({
  path: "/download",
  holds: (body) => body.length === DOWNLOAD_SIZE,
}));

const upload = asking("upload", "kept", () => {
  const bytes = randomBytes(UPLOAD_SIZE);
  const digest = sha256(bytes);
  return { method: "POST", path: "/upload", body: bytes, holds: (body) => body.toString() === digest };
});

/** Comes home to its replica for as long as that is there. */
const sticky: Client = async ({ port, ledger, stopped, wasOut }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let cookie: string | undefined;
  let home: string | undefined;
  let sinceMs = Date.now();
  while (!stopped()) {
    const headers = cookie === undefined ? {} : { cookie };
    const askedMs = Date.now();
    const answer = await ask(ledger, { kind: "session", port, path: "/sticky", headers, agent }, () => true);
    const replica = answer?.headers["x-replica"] as string | undefined;
    if (replica !== undefined) {
      if (home !== undefined && replica !== home && !wasOut(home, sinceMs - RELOAD_MS)) {
        ledger.fail("session", `moved from ${home} to ${replica}, though ${home} was there`);
      }
      home = replica;
      sinceMs = askedMs;
    }
    const issued = answer?.headers["set-cookie"]?.[0];
    if (issued !== undefined) cookie = cookiePair(issued);
    await delay(PAUSE_MS);
  }
  agent.destroy();
};

export const REQUEST_CLIENTS: readonly Client[] = [
  ...Array<Client>(4).fill(kept),
  ...Array<Client>(3).fill(fresh),
  ...Array<Client>(2).fill(upload),
  ...Array<Client>(2).fill(download),
  ...Array<Client>(4).fill(sticky),
];
