// The demo: a sample backend and a gateway in front of it, from a file that may be edited while it runs.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_DATAPLANE_OPTIONS } from "../dataplane/options.ts";
import { demoManifests } from "../demo/manifests.ts";
import { startReplicas } from "../demo/replicas.ts";
import type { ServedAddress } from "./gateway.ts";
import { type RunDependencies, run } from "./run.ts";
import type { RunOptions } from "./run-options.ts";

export const DEMO_HOST = "127.0.0.1";
const REPLICA_COUNT = 4;

export type DemoOptions = Pick<
  RunOptions,
  "admin" | "workers" | "drainTimeoutMs" | "logLevel" | "humanLog"
> & {
  readonly port: number;
};

export interface RunningDemo {
  readonly addresses: readonly ServedAddress[];
  /** `sample-1` and where it listens. */
  readonly replicas: readonly ServedAddress[];
  /** The configuration: edit it, and it is reloaded. */
  readonly file: string;
}

export interface DemoDependencies extends Omit<RunDependencies, "onReady"> {
  readonly onReady: (demo: RunningDemo) => void;
}

/** Resolves with the exit code once it has been told to stop. Rejects with a StartError. */
export async function runDemo(options: DemoOptions, dependencies: DemoDependencies): Promise<number> {
  const { replicas, stop } = await startReplicas({ count: REPLICA_COUNT, host: DEMO_HOST });
  const folder = mkdtempSync(join(tmpdir(), "limpet-demo-"));
  const file = join(folder, "demo.yaml");
  writeFileSync(file, demoManifests(options.port, replicas));
  try {
    return await run(
      {
        ...options,
        paths: [file],
        watch: true,
        strictConfig: false,
        listenAddress: DEMO_HOST,
        portOffset: 0,
        accessLog: { kind: "off" },
        dataplane: DEFAULT_DATAPLANE_OPTIONS,
      },
      {
        ...dependencies,
        onReady: (addresses) => dependencies.onReady({ addresses, replicas, file }),
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await stop();
  }
}
