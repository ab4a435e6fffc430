// What the commands about tokens know beside the token: keys, and the sessions and backends of a configuration.
import type { SessionKeys } from "../../affinity/token/session-keys.ts";
import { configuredSessions } from "../../inspect/configured-sessions.ts";
import type { SessionPersistence, Snapshot } from "../../model/index.ts";
import { FileSource } from "../../runtime/file-source.ts";
import { translateFiles } from "../../runtime/translate-files.ts";
import type { Terminal } from "../terminal.ts";
import { keysOfFile } from "./key-file.ts";

export interface TokenContext {
  readonly keys: SessionKeys | undefined;
  /** Empty without a configuration. */
  readonly sessions: readonly SessionPersistence[];
  readonly backends: Snapshot["backends"];
}

/** What stands under `-f` and `--session-keys`. Rejects where either cannot be used. */
export async function tokenContext(
  paths: readonly string[],
  keyFile: string | undefined,
  terminal: Terminal,
): Promise<TokenContext> {
  const keys = await keysOfFile(keyFile, terminal);
  const files = await new FileSource(paths).read();
  const [problem] = files.problems;
  if (problem !== undefined) throw new Error(`${problem.name}: ${problem.message}`);
  const { snapshot } = translateFiles(files, { sealTokens: keys !== undefined });
  return { keys, sessions: configuredSessions(snapshot.routes), backends: snapshot.backends };
}

/** For errors: what to write to name a session. */
export function scopeAdvice(sessions: readonly SessionPersistence[]): string {
  if (sessions.length > 0) return `--scope with one of ${sessions.map(({ scope }) => scope).join(", ")}`;
  return "-f with the configuration, or --scope such as HTTPRoute/default/shop/cart/home";
}
