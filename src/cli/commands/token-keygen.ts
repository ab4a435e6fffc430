// `limpet token keygen`: prints a key, as a line of a key file.
import { randomBytes } from "node:crypto";
import { KEY_SIZE, keyLine } from "../../affinity/token/key-file.ts";
import { KeyRing } from "../../affinity/token/key-ring.ts";
import { EXIT_DONE } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export function tokenKeygen(options: { readonly output: "text" | "json" }, terminal: Terminal): number {
  const key = randomBytes(KEY_SIZE);
  const [id] = new KeyRing([key], randomBytes).keyIds;
  const day = new Date().toISOString().slice(0, 10);
  const line = keyLine(key);
  terminal.out(
    options.output === "json" ? `${JSON.stringify({ id, key: line })}\n` : `# ${id}, made ${day}\n${line}\n`,
  );
  return EXIT_DONE;
}
