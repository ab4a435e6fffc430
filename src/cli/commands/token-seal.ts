// `limpet token seal`: makes a token, for tests and for moving sessions over from another system.
import { backendMark, encodeSealedLayout } from "../../affinity/token/sealed-layout.ts";
import type { TokenIdentity } from "../../affinity/token/token.ts";
import { EXIT_DONE } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { scopeAdvice, tokenContext } from "./token-context.ts";

export interface TokenSealOptions {
  readonly paths: readonly string[];
  readonly sessionKeys: string | undefined;
  readonly scope: string | undefined;
  /** Canonical `ip:port`. */
  readonly endpoint: string | undefined;
  readonly uid: string | undefined;
  readonly hostname: string | undefined;
  /** Id: `Service/default/shop:80`. */
  readonly backend: string | undefined;
  /** Unix seconds. */
  readonly begunSec: number;
  readonly lastSeenSec: number | undefined;
  readonly expiresSec: number | undefined;
  /** The application's own, for a session that wraps it. */
  readonly value: string | undefined;
  readonly output: "text" | "json";
}

export async function tokenSeal(options: TokenSealOptions, terminal: Terminal): Promise<number> {
  const { endpoint, backend } = options;
  if (options.sessionKeys === undefined)
    throw new UsageError("nothing to seal with: give --session-keys FILE");
  if (endpoint === undefined) throw new UsageError("a token names an endpoint: give --endpoint IP:PORT");
  const { keys, sessions } = await tokenContext(options.paths, options.sessionKeys, terminal);
  if (keys === undefined) throw new Error("there are no keys");
  const scope = options.scope ?? (sessions.length === 1 ? sessions[0]?.scope : undefined);
  if (scope === undefined)
    throw new UsageError(`a token is for one scope alone: give ${scopeAdvice(sessions)}`);
  const plain = encodeSealedLayout({
    address: endpoint,
    begunSec: options.begunSec,
    lastSeenSec: options.lastSeenSec ?? 0,
    expiresSec: options.expiresSec ?? 0,
    identity: identityOf(options),
    backendMark: backend === undefined ? undefined : backendMark(backend),
    original: options.value,
  });
  const token = keys.seal(plain, scope);
  const shown = { token, keyId: keys.keyIds[0], scope };
  terminal.out(options.output === "json" ? `${JSON.stringify(shown)}\n` : `${token}\n`);
  return EXIT_DONE;
}

function identityOf({ uid, hostname }: TokenSealOptions): TokenIdentity | undefined {
  if (uid !== undefined && hostname !== undefined) {
    throw new UsageError("an endpoint is known by --uid or by --hostname, not by both");
  }
  if (uid !== undefined) return { kind: "uid", value: uid };
  return hostname === undefined ? undefined : { kind: "hostname", value: hostname };
}
