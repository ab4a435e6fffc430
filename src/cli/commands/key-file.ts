// What commands make of `--session-keys FILE`.
import type { SessionKeySource } from "../../runtime/session-key-store.ts";
import { type LoadedKeys, readSessionKeys } from "../../runtime/session-keys.ts";
import type { Terminal } from "../terminal.ts";

/** For a gateway, which follows the file. */
export function keySource(path: string | undefined): SessionKeySource | undefined {
  return path === undefined ? undefined : { kind: "file", path };
}

/** For a command that needs the keys once. Rejects if the file cannot be used; prints what is amiss with it. */
export async function keysOfFile(
  path: string | undefined,
  terminal: Terminal,
): Promise<LoadedKeys["ring"] | undefined> {
  if (path === undefined) return undefined;
  const { ring, warning } = await readSessionKeys(path);
  if (warning !== undefined) terminal.error(`warning: ${warning}\n`);
  return ring;
}
