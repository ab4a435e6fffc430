// The demo: a sample backend and a gateway in front of it, from a file that may be edited while it runs.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_DATAPLANE_OPTIONS } from "../dataplane/options.ts";
import { demoManifests } from "../demo/manifests.ts";
import { type Replicas, startReplicas } from "../demo/replicas.ts";
import { StartError } from "./gateway.ts";
import type { ServedAddress } from "./gateway-pages.ts";
import { type RunDependencies, run } from "./run.ts";
import type { RunOptions } from "./run-options.ts";

export const DEMO_HOST = "127.0.0.1";
const REPLICA_COUNT = 4;
/** What the manifests of examples/ are written for. */
const EXAMPLE_PORTS = [3001, 3002, 3003, 3004];

export type DemoOptions = Pick<
  RunOptions,
  "admin" | "sessionKeys" | "workers" | "drainTimeoutMs" | "logLevel" | "humanLog"
> & {
  readonly port: number;
  /** Served in place of the demo's own configuration; empty: none. */
  readonly paths: readonly string[];
  /** Gets a line for every request that a replica was asked. */
  readonly replicaLog: (line: string) => void;
};

export interface RunningDemo {
  readonly addresses: readonly ServedAddress[];
  /** `sample-1` and where it listens. */
  readonly replicas: readonly ServedAddress[];
  /** The configuration: edit it, and it is reloaded. */
  readonly paths: readonly string[];
}

export interface DemoDependencies extends Omit<RunDependencies, "onReady"> {
  readonly onReady: (demo: RunningDemo) => void;
}

/** Resolves with the exit code once it has been told to stop. Rejects with a StartError. */
export async function runDemo(options: DemoOptions, dependencies: DemoDependencies): Promise<number> {
  const isOwn = options.paths.length === 0;
  const { replicas, stop } = await startSample(isOwn ? [] : EXAMPLE_PORTS, options.replicaLog);
  const folder = mkdtempSync(join(tmpdir(), "limpet-demo-"));
  const own = join(folder, "demo.yaml");
  if (isOwn) writeFileSync(own, demoManifests(options.port, replicas));
  const paths = isOwn ? [own] : options.paths;
  try {
    return await run(
      {
        ...options,
        paths,
        kubernetes: undefined,
        watch: true,
        strictConfig: false,
        listenAddress: DEMO_HOST,
        portOffset: 0,
        drainDelayMs: 0,
        accessLog: { kind: "off" },
        accessLogFormat: "json",
        tracing: "off",
        dnsServers: [],
        sessionKeys: options.sessionKeys ?? (isOwn ? { kind: "made" } : undefined),
        dataplane: DEFAULT_DATAPLANE_OPTIONS,
      },
      {
        ...dependencies,
        onReady: (addresses) => dependencies.onReady({ addresses, replicas, paths }),
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await stop();
  }
}

async function startSample(ports: readonly number[], log: (line: string) => void): Promise<Replicas> {
  try {
    return await startReplicas({ count: REPLICA_COUNT, host: DEMO_HOST, ports, log });
  } catch (error) {
    throw new StartError([(error as Error).message]);
  }
}
