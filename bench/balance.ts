// How evenly workers share connections, and what that does to the slow tail: one socket for all against a socket each.
// Run it with `node bench/balance.ts`; docs/adr/0003 and its successor quote it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { markdownTable } from "../scripts/markdown-table.ts";
import { bindSocket } from "../src/runtime/listening-socket.ts";

type Sharing = "one socket" | "a socket each";

const BURSTS = [64, 1000] as const;
const REPEATS = 5;
/** What a heavy request keeps its worker from everything else for. */
const HEAVY_MS = 10;
const HEAVY_PER_SECOND = 25;
const LIGHT_PER_SECOND = 150;
const MIXED_SECONDS = 5;

if (process.send === undefined) await main();
else accept();

/** A worker: answers one byte with one byte, at once or after some work. */
function accept(): void {
  let accepted = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    accepted += 1;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const endMs = performance.now() + (bytes[0] === 0x68 ? HEAVY_MS : 0);
      while (performance.now() < endMs) {}
      socket.write("x");
    });
  });
  process.on("message", (message, handle) => {
    if (message === "listen") server.listen(handle, () => process.send?.("listening"));
    else process.send?.(accepted);
  });
  process.on("disconnect", () => process.exit());
}

async function main(): Promise<void> {
  const rows: string[][] = [];
  for (const workers of [2, 4]) {
    for (const sharing of ["one socket", "a socket each"] as const)
      rows.push(await measure(workers, sharing));
  }
  const head = [
    "workers",
    "sharing",
    ...BURSTS.map((size) => `most of ${size}`),
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
  ];
  process.stdout.write(`${markdownTable(head, rows)}\n`);
  process.exit();
}

async function measure(workers: number, sharing: Sharing): Promise<string[]> {
  const socket = bindSocket("127.0.0.1", 0, sharing === "one socket" ? 1 : workers);
  const children: ChildProcess[] = [];
  for (let index = 0; index < workers; index++) {
    const child = fork(fileURLToPath(import.meta.url));
    child.send("listen", socket.handles[index % socket.handles.length] as Server);
    await once(child, "message");
    children.push(child);
  }
  const most: string[] = [];
  for (const size of BURSTS) {
    const shares: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) shares.push(await burst(children, socket.port, size));
    most.push(`${Math.min(...shares)} to ${Math.max(...shares)}`);
  }
  const runs: number[][] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) runs.push(await mixed(socket.port));
  // Other work on the machine lengthens a tail and never shortens it, so the best run tells most.
  const at = (share: number) =>
    Math.min(...runs.map((times) => times[Math.floor(times.length * share)] ?? Number.NaN)).toFixed(1);
  for (const child of children) child.disconnect();
  socket.close();
  return [String(workers), sharing, ...most, at(0.5), at(0.99), at(0.999)];
}

/** So many connections at once; answers how many the busiest worker got. */
async function burst(children: readonly ChildProcess[], port: number, size: number): Promise<number> {
  const before = await accepted(children);
  await Promise.all(Array.from({ length: size }, () => ask(port, "l")));
  const after = await accepted(children);
  return Math.max(...after.map((count, index) => count - (before[index] ?? 0)));
}

async function accepted(children: readonly ChildProcess[]): Promise<number[]> {
  return Promise.all(
    children.map(async (child) => {
      child.send("count");
      const [count] = await once(child, "message");
      return count as number;
    }),
  );
}

/** Light requests, each on a new connection, beside heavy ones: how long the light ones take, in order. */
async function mixed(port: number): Promise<number[]> {
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  const endMs = performance.now() + MIXED_SECONDS * 1000;
  const every = async (perSecond: number, work: () => Promise<void>) => {
    while (performance.now() < endMs) {
      asked.push(work());
      // Poisson arrivals: a steady beat would meet the other one in the same way again and again.
      await delay((-Math.log(1 - Math.random()) * 1000) / perSecond);
    }
  };
  await Promise.all([
    every(HEAVY_PER_SECOND, async () => void (await ask(port, "h"))),
    every(LIGHT_PER_SECOND, async () => void times.push(await ask(port, "l"))),
  ]);
  await Promise.all(asked);
  return times.sort((a, b) => a - b);
}

/** Milliseconds from connecting to the answer. */
async function ask(port: number, question: string): Promise<number> {
  const startMs = performance.now();
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.write(question);
  await once(socket, "data");
  socket.destroy();
  return performance.now() - startMs;
}
