// Runs iproute2's `ip`, several commands at once.
import { spawn } from "node:child_process";

/** @param namespace where; undefined: here. Rejects with what `ip` says. */
export function ip(commands: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ["-n", namespace];
  return new Promise((resolve, reject) => {
    const child = spawn("ip", [...where, "-batch", "-"], { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`ip ${commands.join("; ")}: ${said.trim()}`)),
    );
    child.stdin.end(`${commands.join("\n")}\n`);
  });
}
