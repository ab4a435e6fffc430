// Rows of TLS towards clients: requests on kept connections, full handshakes, and clients that wait.
import { join } from "node:path";
import { LOAD_CORE, run } from "../children.ts";
import { wrk } from "../load/wrk.ts";
import type { Figures, Row } from "../row.ts";
import type { RunningPeer } from "../running-peer.ts";
import { idleFigures } from "./idle.ts";
import { HASH_LOAD, requestFigures } from "./throughput.ts";

const WARM_UP_SECONDS = 3;
const PLACES = 16;
const PROGRAM = join(import.meta.dirname, "../load/handshakes.ts");

export interface Handshakes {
  readonly done: number;
  readonly resumed: number;
  readonly errors: number;
  readonly seconds: number;
}

/**
 * Full handshakes, and nothing asked after them, for so many seconds. A request with each would measure the origin's
 * wake-ups: on a virtual machine, waking a process that sleeps on another core costs as much as a handshake.
 */
export async function shakeHands(
  running: RunningPeer,
  core: number | string,
  seconds: number,
  places = PLACES,
): Promise<Handshakes> {
  const args = [PROGRAM, running.setup.port, places, seconds].map(String);
  const output = await run(core, process.execPath, args, seconds * 1000 + 15_000);
  const shaken = JSON.parse(output) as Handshakes;
  if (shaken.resumed > 0) throw new Error(`${shaken.resumed} handshakes were not full ones`);
  return shaken;
}

export const tlsKeepAlive: Row = {
  name: "tls",
  title: "TLS 1.3, hash of a header, keep-alive: CPU us per request",
  origin: "plain",
  cell: [["cpuUs", 1]],
  async measure({ start, seconds }) {
    const running = await start({ affinity: "hash", tls: "ecdsa" });
    await running.check();
    await wrk(running, HASH_LOAD, WARM_UP_SECONDS);
    return requestFigures(await wrk(running, HASH_LOAD, seconds));
  },
};

export const handshakes: Row = {
  name: "handshake",
  title: "full TLS 1.3 handshake (P-256): CPU us",
  origin: "plain",
  cell: [["cpuUs", 0]],
  bareServer: "tls",
  async measure({ start, seconds }): Promise<Figures> {
    const running = await start({ tls: "ecdsa" });
    await shakeHands(running, LOAD_CORE, WARM_UP_SECONDS);
    const before = running.usage;
    const shaken = await shakeHands(running, LOAD_CORE, seconds);
    const after = running.usage;
    return {
      cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / shaken.done,
      requestsPerSec: shaken.done / shaken.seconds,
      residentMb: after.residentBytes / 1e6,
      errors: shaken.errors,
    };
  },
};

export const idleTls: Row = {
  name: "idle-tls",
  title: "idle TLS connection: KiB",
  origin: "plain",
  cell: [["kibPerConnection", 1]],
  bareServer: "tls",
  measure: ({ start }) => start({ tls: "ecdsa" }).then(idleFigures),
};
