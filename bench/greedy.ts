// Program: what greedy clients cost a normal one, and how much memory they take; ends with 1 if it is too much of either.
import type { ChildProcess } from "node:child_process";
import { createConnection } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { markdownTable } from "../scripts/markdown-table.ts";
import { freePorts } from "../test/support/free-port.ts";
import { LOAD_CORE, PROXY_CORE, removeFolder, run, start, stop, temporaryFolder } from "./children.ts";
import { ConstantLoad, type ConstantRateResult } from "./load/constant-rate.ts";
import { limpet } from "./peers/limpet.ts";
import { usageOf } from "./usage.ts";

const ATTACKS = [
  "slow-heads",
  "heavy-heads",
  "slow-bodies",
  "slow-readers",
  "idle",
  "path-bombs",
  "pipelining",
  "half-open",
] as const;

/** Short, so that attackers are put out many times in a run. */
const TIMEOUTS = ["--request-head-timeout", "2s", "--request-body-timeout", "2s", "--write-timeout", "2s"];
const REQUESTS_PER_SEC = 200;
const CONNECTIONS = 16;
/** Both processes of a gateway with one worker, under any attack. */
const MAX_RESIDENT_BYTES = 768 * 1024 * 1024;
/** Its unused connections are closed by the timeout for heads, now and then just as it sends. */
const MAX_FAILED_SHARE = 0.01;
const SAMPLE_MS = 100;
/** A machine that stands still for seconds spoils one measurement; what is wrong with the gateway spoils each. */
const TRIES = 2;
const [ORIGIN_PORT = 0, PORT = 0] = await freePorts(2);

interface Outcome {
  readonly attack: string;
  readonly normal: ConstantRateResult;
  readonly putOut: number;
  /** The most of the run. */
  readonly residentBytes: number;
}

async function untilListening(port: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(50)) {
    const isOpen = await new Promise<boolean>((done) => {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.once("connect", () => done(true));
      socket.once("error", () => done(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
  }
  throw new Error(`nobody listens on port ${port}`);
}

function startGateway(folder: string): ChildProcess {
  limpet.write(
    {
      port: PORT,
      adminPort: 0,
      endpoints: [ORIGIN_PORT],
      affinity: "hash",
      hostnames: [],
      tls: undefined,
      workers: 1,
    },
    folder,
  );
  const bin = resolve(import.meta.dirname, "../src/cli/bin.ts");
  const args = ["run", "-f", folder, "--admin", "off", "--access-log", "off", "--no-watch", ...TIMEOUTS];
  return start(PROXY_CORE, process.execPath, [bin, ...args]);
}

/** A gateway of its own, so that memory is that of one attack. */
async function measure(attack: string, attackers: number, seconds: number): Promise<Outcome> {
  const folder = temporaryFolder();
  const gateway = startGateway(folder);
  try {
    await untilListening(PORT);
    let residentBytes = 0;
    const sampling = setInterval(() => {
      residentBytes = Math.max(residentBytes, usageOf(gateway.pid as number).residentBytes);
    }, SAMPLE_MS);
    const program = join(import.meta.dirname, "load/attack.ts");
    const attacking =
      attack === "none"
        ? Promise.resolve(JSON.stringify({ putOut: 0 }))
        : run(
            LOAD_CORE,
            "nice",
            ["-n", "19", process.execPath, program, attack, PORT, attackers, seconds + 1].map(String),
            120_000,
          );
    await delay(500);
    const load = { port: PORT, requestsPerSec: REQUESTS_PER_SEC, connections: CONNECTIONS, seconds };
    const normal = await new ConstantLoad(load).finished();
    const { putOut } = JSON.parse(await attacking) as { putOut: number };
    clearInterval(sampling);
    return { attack, normal, putOut, residentBytes };
  } finally {
    await stop(gateway);
    removeFolder(folder);
  }
}

function problemsOf({ attack, normal, residentBytes }: Outcome): string[] {
  const problems: string[] = [];
  if (normal.refused + normal.lost > normal.sent * MAX_FAILED_SHARE) {
    problems.push(`${attack}: ${normal.refused} requests of the normal client refused, ${normal.lost} lost`);
  }
  if (residentBytes > MAX_RESIDENT_BYTES)
    problems.push(`${attack}: ${megabytes(residentBytes)} MB of memory`);
  return problems;
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

const { values } = parseArgs({
  options: {
    attackers: { type: "string", default: "1000" },
    seconds: { type: "string", default: "5" },
    attacks: { type: "string", default: ATTACKS.join(",") },
  },
});

const program = join(import.meta.dirname, "origins/greedy-program.ts");
const origin = start(LOAD_CORE, process.execPath, [program, String(ORIGIN_PORT)]);
await untilListening(ORIGIN_PORT);
const outcomes: Outcome[] = [];
for (const attack of ["none", ...values.attacks.split(",")]) {
  const once = () => measure(attack, Number(values.attackers), Number(values.seconds));
  let outcome = await once();
  for (let tried = 1; tried < TRIES && problemsOf(outcome).length > 0; tried += 1) {
    process.stderr.write(`again: ${problemsOf(outcome).join("; ")}\n`);
    outcome = await once();
  }
  outcomes.push(outcome);
}
await stop(origin);
const rows = outcomes.map(({ attack, normal, putOut, residentBytes }) => [
  attack,
  normal.p50.toFixed(2),
  normal.p99.toFixed(2),
  `${normal.answered} of ${normal.sent}`,
  String(putOut),
  megabytes(residentBytes),
]);
const head = [`${values.attackers} attackers`, "p50 ms", "p99 ms", "answered", "put out", "RSS MB"];
process.stdout.write(`${markdownTable(head, rows)}\n`);
for (const problem of outcomes.flatMap(problemsOf)) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
