// The row of idle connections: the memory that a client costs who has asked once and says nothing any more.
import { once } from "node:events";
import { join } from "node:path";
import { LOAD_CORE, start as startProgram, stderrOf, stop } from "../children.ts";
import { wrk } from "../load/wrk.ts";
import type { Figures, Row } from "../row.ts";
import type { RunningPeer } from "../running-peer.ts";
import { HASH_LOAD } from "./throughput.ts";

const CONNECTIONS = 5_000;
const WARM_UP_SECONDS = 3;
/** Time for a garbage collector to give back what opening the connections took. */
const SETTLE_MS = 3_000;
const PROGRAM = join(import.meta.dirname, "../load/idle.ts");

export const idle: Row = {
  name: "idle",
  title: "idle connection: KiB",
  origin: "plain",
  cell: [["kibPerConnection", 1]],
  measure: ({ start }) => start().then(idleFigures),
};

/** What so many clients cost a proxy that has been warmed up. */
export async function idleFigures(running: RunningPeer): Promise<Figures> {
  await wrk(running, HASH_LOAD, WARM_UP_SECONDS);
  await settle();
  const before = running.usage.residentBytes;
  const clients = startProgram(
    LOAD_CORE,
    process.execPath,
    [PROGRAM, String(running.setup.port), String(CONNECTIONS), running.setup.tls === undefined ? "" : "tls"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  await Promise.race([
    once(clients.stdout as NodeJS.ReadableStream, "data"),
    once(clients, "exit").then(() => {
      throw new Error(`the connections do not stay open: ${stderrOf(clients)}`);
    }),
  ]);
  await settle();
  const after = running.usage.residentBytes;
  await stop(clients);
  return { kibPerConnection: (after - before) / 1024 / CONNECTIONS, residentMb: after / 1e6 };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
