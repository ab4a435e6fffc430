// The programs and folders of a benchmark: pinned to a core, bounded in time, and gone when the benchmark is.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processTree } from "./usage.ts";

/** The proxy under test has a core of its own; whatever loads it and answers it shares the other. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
/** For a proxy with two workers: its load has to share with it. */
export const BOTH_CORES = "0,1";

const STOP_MS = 5_000;

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** Starts a program on one core. What it writes to standard error is kept for `stderrOf`. */
export function start(
  core: number | string,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn("taskset", ["-c", String(core), command, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    ...options,
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-4_000);
  });
  Object.defineProperty(child, STDERR, { get: () => text });
  return child;
}

const STDERR = Symbol("stderr");

/** The last words of a program. */
export function stderrOf(child: ChildProcess): string {
  return (child as unknown as { [STDERR]: string })[STDERR];
}

/** Runs a program to its end and answers its standard output; kills it and throws when it takes too long. */
export async function run(
  core: number | string,
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const child = start(core, command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${stderrOf(child)}`);
  return output;
}

/** SIGTERM to the program; SIGKILL to it and its children where that is not enough. */
export async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child) || child.pid === undefined) return;
  const exit = once(child, "exit");
  const tree = processTree(child.pid);
  const timer = setTimeout(() => kill(tree), STOP_MS);
  child.kill("SIGTERM");
  await exit;
  clearTimeout(timer);
  kill(tree.filter((pid) => pid !== child.pid));
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** A folder that goes with the benchmark. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "limpet-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Everything that is left, at once: also for Ctrl-C. */
export function cleanUp(): void {
  for (const child of running) {
    if (child.pid !== undefined) kill(processTree(child.pid));
  }
  for (const folder of folders) removeFolder(folder);
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(signal, () => process.exit(code));
}
process.once("exit", cleanUp);
