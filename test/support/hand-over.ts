// Follows a gateway from one process to the next.
import { eventually } from "./eventually.ts";
import type { Gateway } from "./gateway.ts";

interface LogLine {
  readonly msg?: string;
  readonly pid?: number;
}

/** Of every process that was started to take over. */
export function successorPids(running: Gateway): number[] {
  const lines = running.stderr.lines.filter((line) => line.startsWith("{"));
  const logged = lines.map((line) => JSON.parse(line) as LogLine);
  return logged.flatMap((line) => (line.msg === "successor started" ? [line.pid as number] : []));
}

/**
 * Hands over from the process with this pid to the next one; answers with the pid of that once it serves, and the admin port is
 * its own. Workers of the process before may take a few connections yet, until they have heard of it.
 */
export async function handOver(running: Gateway, pid: number): Promise<number> {
  const count = (is: (line: string) => boolean) => running.stderr.lines.filter(is).length;
  const told = () => ({
    ready: count((line) => line.startsWith("limpet ready")),
    relieved: count((line) => line.includes('"the successor serves: draining"')),
  });
  const before = told();
  process.kill(pid, "SIGUSR2");
  await eventually(
    async () => told(),
    ({ ready, relieved }) => ready > before.ready && relieved > before.relieved,
  );
  return successorPids(running).at(-1) as number;
}

/** Ends all of them. */
export async function stopAll(running: Gateway): Promise<void> {
  for (const pid of successorPids(running)) {
    if (isAlive(pid)) process.kill(pid, "SIGTERM");
  }
  await running.stop();
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
