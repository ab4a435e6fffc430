// What the commands about tokens know beside the token: keys, and the sessions and backends of a configuration.
import { configuredSessions } from "../../inspect/configured-sessions.ts";
import type { SessionPersistence, Snapshot } from "../../model/index.ts";
import { FileSource } from "../../runtime/file-source.ts";
import { type LoadedKeys, readSessionKeys } from "../../runtime/session-keys.ts";
import { translateFiles } from "../../runtime/translate-files.ts";
import type { Terminal } from "../terminal.ts";

export interface TokenContext {
  readonly keys: LoadedKeys["ring"] | undefined;
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
  const loaded = keyFile === undefined ? undefined : await readSessionKeys(keyFile);
  if (loaded?.warning !== undefined) terminal.error(`warning: ${loaded.warning}\n`);
  const files = await new FileSource(paths).read();
  const [problem] = files.problems;
  if (problem !== undefined) throw new Error(`${problem.name}: ${problem.message}`);
  const { snapshot } = translateFiles(files, undefined, { sealTokens: loaded !== undefined }).translation;
  return { keys: loaded?.ring, sessions: configuredSessions(snapshot.routes), backends: snapshot.backends };
}

/** For errors: what to write to name a session. */
export function scopeAdvice(sessions: readonly SessionPersistence[]): string {
  if (sessions.length > 0) return `--scope with one of ${sessions.map(({ scope }) => scope).join(", ")}`;
  return "-f with the configuration, or --scope such as HTTPRoute/default/shop/cart/home";
}
