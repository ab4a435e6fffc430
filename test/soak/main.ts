// Mixed traffic for minutes while endpoints flap, the configuration changes every second and workers are killed: nothing may
// be lost that HTTP would let survive, and neither memory nor handles may grow. Exit code 1 if any of it does.
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeAuthority } from "../support/certificates.ts";
import { freePorts } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { fittedGrowth, type Usage, usageOf } from "./growth.ts";
import { Ledger } from "./ledger.ts";
import { certificateYaml, SERVER_NAME, soakYaml } from "./manifests.ts";
import { SoakReplica } from "./replicas.ts";
import { REQUEST_CLIENTS } from "./requests.ts";
import { TLS_CLIENTS, TlsScene } from "./secure.ts";
import { STREAM_CLIENTS } from "./streams.ts";
import { Upheaval, workersOf } from "./upheaval.ts";

const REPLICAS = 4;
const SAMPLE_INTERVAL_MS = 500;
/** Of the run: the time in which code is compiled, caches fill and the heap finds its size. */
const WARM_UP_SHARE = 0.4;
const MAX_GROWN_HANDLES = 30;
/** Handles that may stay once all clients have left: connections to endpoints that wait for their next request. */
const MAX_LEFT_HANDLES = 10;
const SETTLE_MS = 20_000;
/** Of all certificates, how many clients must have seen at least. */
const SHOWN_SHARE = 0.8;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    /** Seconds. */
    "kill-every": { type: "string", default: "60" },
    /** Megabytes. A short run sees the heap still finding its size. */
    "max-growth": { type: "string", default: "30" },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const killIntervalMs = Number(values["kill-every"]) * 1_000;
const maxGrowthMb = Number(values["max-growth"]);

const replicas = Array.from({ length: REPLICAS }, (_, index) => new SoakReplica(`soak-${index + 1}`));
await Promise.all(replicas.map((replica) => replica.open()));
const [port = 0, tlsPort = 0] = await freePorts(2);
const authority = makeAuthority({ name: "soak" });
const endpoints = replicas.map((replica) => replica.port);
const gateway = await startGateway({
  files: {
    "soak.yaml": soakYaml({ port, tlsPort, endpoints, revision: 0 }),
    "certificate.yaml": certificateYaml(authority.issue({ names: [SERVER_NAME] })),
  },
  args: ["--workers", "2", "--access-log", "off", "--log-level", "warn"],
});
let failed = true;
try {
  failed = !(await soak(gateway));
} finally {
  await gateway.stop();
  for (const replica of replicas) replica.close();
}
process.exit(failed ? 1 : 0);

/** True if nothing was lost and nothing grew. */
async function soak(running: Gateway): Promise<boolean> {
  const ledger = new Ledger();
  const [spared = 0] = await workersOf(running);
  const watched = { primary: running.process.pid as number, worker: spared };
  const upheaval = new Upheaval({
    gateway: running,
    ledger,
    port,
    tlsPort,
    authority,
    replicas,
    killIntervalMs,
    spared,
  });
  const before = usageOf(spared);
  let stopped = false;
  const scene = {
    port,
    ledger,
    stopped: () => stopped,
    wasOut: (replica: string, sinceMs: number) => upheaval.wasOut(replica, sinceMs),
  };
  const secure = new TlsScene(scene, tlsPort, authority.certificate);
  const clients = [
    ...[...REQUEST_CLIENTS, ...STREAM_CLIENTS].map((client) => client(scene)),
    ...TLS_CLIENTS.map((client) => client(secure)),
  ];
  // A client that stumbles over its own feet is a failure like any other.
  const ended = clients.map((client) => client.catch((error: Error) => ledger.fail("client", error.message)));
  upheaval.start();
  const samples = await sampleFor(watched, durationMs);
  upheaval.stop();
  stopped = true;
  await Promise.all(ended);
  const left = await handlesLeft(spared, before.handles);
  for (const [name, usages] of Object.entries(samples)) judgeGrowth(ledger, name, usages);
  if (left > MAX_LEFT_HANDLES)
    ledger.fail("handles", `the worker still has ${left} more than before the clients came`);
  const seen = secure.certificates.size;
  // The last one may have come too late to be shown, and one or another was short of its time on a busy machine.
  if (seen < upheaval.rotations * SHOWN_SHARE)
    ledger.fail("certificates", `${seen} were shown of ${upheaval.rotations + 1}`);
  report(ledger, { reloads: upheaval.reloads, certificates: seen, left }, samples);
  return ledger.failed === 0;
}

async function sampleFor(
  pids: Readonly<Record<string, number>>,
  forMs: number,
): Promise<Readonly<Record<string, Usage[]>>> {
  const samples: Record<string, Usage[]> = Object.fromEntries(Object.keys(pids).map((name) => [name, []]));
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    await delay(SAMPLE_INTERVAL_MS);
    for (const [name, pid] of Object.entries(pids)) samples[name]?.push(usageOf(pid));
  }
  return samples;
}

/** How many more handles than before stay open, once those of idle connections have had the time to go. */
async function handlesLeft(pid: number, before: number): Promise<number> {
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    const left = usageOf(pid).handles - before;
    if (left <= MAX_LEFT_HANDLES || performance.now() > endMs) return left;
    await delay(SAMPLE_INTERVAL_MS);
  }
}

function afterWarmUp(usages: readonly Usage[]): readonly Usage[] {
  return usages.slice(Math.floor(usages.length * WARM_UP_SHARE));
}

function judgeGrowth(ledger: Ledger, name: string, usages: readonly Usage[]): void {
  const mb = fittedGrowth(afterWarmUp(usages), ({ rssMb }) => rssMb);
  const handles = fittedGrowth(afterWarmUp(usages), (usage) => usage.handles);
  if (mb > maxGrowthMb) ledger.fail("memory", `the ${name} grew by ${mb.toFixed(1)} MB after its warm-up`);
  if (handles > MAX_GROWN_HANDLES) ledger.fail("handles", `the ${name} has ${handles.toFixed(0)} more`);
}

function report(
  ledger: Ledger,
  counts: Readonly<Record<string, number>>,
  samples: Readonly<Record<string, readonly Usage[]>>,
): void {
  const growth = Object.entries(samples).map(([name, usages]) => {
    const mb = fittedGrowth(afterWarmUp(usages), ({ rssMb }) => rssMb);
    return [name, { rssMb: Math.round(usages.at(-1)?.rssMb ?? 0), grownMb: Number(mb.toFixed(1)) }];
  });
  const { done, repeated, lostWithWorkers, kills, failed: failures } = ledger;
  const summary = {
    ...counts,
    kills,
    done,
    repeated,
    lostWithWorkers,
    processes: Object.fromEntries(growth),
  };
  process.stdout.write(`${JSON.stringify({ ...summary, failures }, null, 2)}\n`);
  for (const failure of ledger.failures) process.stdout.write(`${failure}\n`);
}
