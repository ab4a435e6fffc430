// Rows of short requests: hash of a header, session cookie, a new connection for every request.

import { type WrkLoad, type WrkResult, wrk } from "../load/wrk.ts";
import { HASH_HEADER } from "../peer.ts";
import type { Figures, Row } from "../row.ts";
import type { RunningPeer } from "../running-peer.ts";

/** A compiler in the process has seen the code by then. */
const WARM_UP_SECONDS = 3;

/** 1,024 users of 20 characters. */
export const USERS: readonly string[] = Array.from(
  { length: 1024 },
  (_, index) => `user-${String(index).padStart(4, "0")}-abcdefghij`,
);

export const HASH_LOAD: WrkLoad = { path: "/", header: HASH_HEADER, values: USERS };

export function requestFigures(result: WrkResult): Figures {
  return {
    cpuUs: (result.cpuMs * 1000) / result.requests,
    requestsPerSec: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    residentMb: result.residentBytes / 1e6,
    errors: result.errors,
  };
}

export const hash: Row = {
  name: "hash",
  title: "hash of a header, keep-alive: CPU us per request",
  origin: "plain",
  cell: [["cpuUs", 1]],
  async measure({ start, seconds }) {
    const running = await start({ affinity: "hash" });
    await running.check();
    await wrk(running, HASH_LOAD, WARM_UP_SECONDS);
    return requestFigures(await wrk(running, HASH_LOAD, seconds));
  },
};

export const cookie: Row = {
  name: "cookie",
  title: "session cookie, keep-alive: CPU us per request",
  origin: "plain",
  cell: [["cpuUs", 1]],
  async measure({ start, seconds }) {
    const running = await start({ affinity: "cookie" });
    await running.check();
    return requestFigures(await cookieLoad(running, await running.sessionCookies(), seconds));
  },
};

/** As many sessions as a worker remembers to have opened, and more. */
const REMEMBERED_SESSIONS = 20_000;
const FORGOTTEN_SESSIONS = 80_000;

export const sealed: Row = {
  name: "sealed",
  title: "sealed session cookie, keep-alive: CPU us per request with 20,000 sessions, with 80,000",
  origin: "plain",
  cell: [
    ["cpuUs", 1],
    ["manyCpuUs", 1],
  ],
  async measure({ start, seconds }) {
    const running = await start({ affinity: "sealed" });
    await running.check();
    const cookies = await running.cookiesOfSessions(FORGOTTEN_SESSIONS);
    const few = await cookieLoad(running, cookies.slice(0, REMEMBERED_SESSIONS), seconds);
    const many = await cookieLoad(running, cookies, seconds);
    return { ...requestFigures(few), manyCpuUs: requestFigures(many)["cpuUs"] as number };
  },
};

async function cookieLoad(
  running: RunningPeer,
  values: readonly string[],
  seconds: number,
): Promise<WrkResult> {
  const load: WrkLoad = { path: "/", header: "cookie", values };
  await wrk(running, load, WARM_UP_SECONDS);
  return wrk(running, load, seconds);
}

export const churn: Row = {
  name: "churn",
  title: "new connection for every request: CPU us per request",
  origin: "plain",
  cell: [["cpuUs", 1]],
  bareServer: "tcp",
  async measure({ start, seconds }) {
    const running = await start();
    const load: WrkLoad = { ...HASH_LOAD, headers: { connection: "close" } };
    await wrk(running, load, WARM_UP_SECONDS);
    return requestFigures(await wrk(running, load, seconds));
  },
};
