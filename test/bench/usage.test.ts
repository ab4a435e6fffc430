// CPU time and memory are those of a process with all that descend from it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { processTree, usageOf } from "../../bench/usage.ts";

test("the tree holds children, and their work and memory count", async () => {
  const burn = "while (process.cpuUsage().user < 200_000); console.log('done'); setInterval(() => {}, 1000)";
  const before = usageOf(process.pid);
  const child = spawn(process.execPath, ["-e", burn], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  expect(processTree(process.pid)).toContain(child.pid);
  const alone = usageOf(child.pid as number);
  const all = usageOf(process.pid);
  expect(alone.cpuMs).toBeGreaterThanOrEqual(150);
  expect(all.cpuMs - before.cpuMs).toBeGreaterThanOrEqual(alone.cpuMs - 20);
  expect(all.residentBytes).toBeGreaterThan(alone.residentBytes);
});

test("a process that has ended costs nothing", () => {
  expect(usageOf(2 ** 22 + 1)).toEqual({ cpuMs: 0, residentBytes: 0 });
});
