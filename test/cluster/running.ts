// Says which clusters are running, so that other terminals can enter them.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../../.cache/kubernetes/running");

export interface RunningCluster {
  /** Of the process outside that holds the namespaces. */
  readonly holder: number;
  /** Inside. */
  readonly kubeconfig: string;
  /** Folder of kubectl. */
  readonly programs: string;
}

/** Answers how to take it back. */
export function announceRunning(cluster: RunningCluster): () => void {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, String(cluster.holder));
  writeFileSync(file, JSON.stringify(cluster));
  return () => rmSync(file, { force: true });
}

/** What a killed one left behind is removed. */
export function runningClusters(): RunningCluster[] {
  mkdirSync(FOLDER, { recursive: true });
  return readdirSync(FOLDER).flatMap((name) => {
    const file = join(FOLDER, name);
    if (holds(Number(name))) return [JSON.parse(readFileSync(file, "utf8")) as RunningCluster];
    rmSync(file, { force: true });
    return [];
  });
}

function holds(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("cluster");
  } catch {
    return false;
  }
}
