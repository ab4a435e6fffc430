// Finds a program that a package of the system installs.
import { spawnSync } from "node:child_process";
import type { Located } from "../peer.ts";

/** @param version arguments that make the program tell its version, on either stream; the first number is taken */
export function locateInstalled(command: string, version: readonly string[], debianPackage: string): Located {
  const asked = spawnSync(command, version, { encoding: "utf8" });
  if (asked.error !== undefined) return { missing: `apt-get install ${debianPackage}` };
  return { command, version: /\d+(\.\d+)+/.exec(asked.stdout + asked.stderr)?.[0] ?? "of unknown version" };
}
