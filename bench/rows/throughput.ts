// Rows of short requests: hash of a header, session cookie, a new connection for every request.

import { type WrkLoad, type WrkResult, wrk } from "../load/wrk.ts";
import { HASH_HEADER } from "../peer.ts";
import type { Figures, Row } from "../row.ts";

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
    const load: WrkLoad = { path: "/", header: "cookie", values: await running.sessionCookies() };
    await wrk(running, load, WARM_UP_SECONDS);
    return requestFigures(await wrk(running, load, seconds));
  },
};

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
