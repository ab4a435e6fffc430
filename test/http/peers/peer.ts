// What the corpus asks of a proxy under test, and how the ones that are processes of their own are started and stopped.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Peer {
  readonly name: string;
  /** Limpet: held to what it promises, not only to what the specifications allow. */
  readonly own: boolean;
  /** How to get it. */
  readonly package: string;
  /** Undefined where it is not installed. */
  version(): string | undefined;
  /** One port for each origin, in the same order. */
  start(originPorts: readonly number[]): Promise<RunningPeer>;
}

export interface RunningPeer {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/** The first number with dots in what a program says about its version. */
export function versionOf(program: string, argument: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, [argument], { encoding: "utf8" });
  return status === 0 ? /\d+\.\d+(?:\.\d+)?/.exec(`${stdout} ${stderr}`)?.[0] : undefined;
}

/** Starts a program with a configuration file in a folder of its own and waits until all ports accept. */
export async function startProgram(
  program: string,
  file: { readonly name: string; readonly text: (folder: string) => string },
  args: (path: string, folder: string) => readonly string[],
  ports: readonly number[],
): Promise<RunningPeer> {
  const folder = mkdtempSync(join(tmpdir(), "limpet-peer-"));
  const path = join(folder, file.name);
  writeFileSync(path, file.text(folder));
  const child = spawn(program, args(path, folder), {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-4_000);
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await exit;
      clearTimeout(timer);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const port of ports) await accepts(port, child, () => `${program}: ${log}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ports, stop };
}

async function accepts(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await canConnect(port))) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}; ${log()}`);
    if (Date.now() > deadline) throw new Error(`port ${port} does not accept; ${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
