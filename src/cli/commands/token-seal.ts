// `limpet token seal`: makes a token, for tests and for moving sessions over from another system.
import { backendMark, encodeSealedLayout } from "../../affinity/token/sealed-layout.ts";
import { isWrapped } from "../../affinity/token/session-token.ts";
import type { TokenIdentity } from "../../affinity/token/token.ts";
import type { SessionPersistence } from "../../model/index.ts";
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
  checkValue(
    options.value,
    sessions.find((session) => session.scope === scope),
  );
  const plain = encodeSealedLayout({
    address: endpoint,
    begunSec: options.begunSec,
    lastSeenSec: options.lastSeenSec ?? 0,
    expiresSec: options.expiresSec ?? 0,
    identity: identityOf(options),
    backendMark: backend === undefined ? undefined : backendMark(backend),
    original: options.value === undefined ? undefined : bytesOf(options.value),
  });
  const token = keys.seal(plain, scope);
  const shown = { token, keyId: keys.keyIds[0], scope };
  terminal.out(options.output === "json" ? `${JSON.stringify(shown)}\n` : `${token}\n`);
  return EXIT_DONE;
}

/** A token is none of its session's without the application's value where that is wrapped, or with one where it is not. */
function checkValue(value: string | undefined, session: SessionPersistence | undefined): void {
  if (session === undefined || isWrapped(session) === (value !== undefined)) return;
  const { scope, carrier } = session;
  throw new UsageError(
    value === undefined
      ? `${scope} wraps the application's own ${carrier.name}: give --value with what the application knows it by`
      : `${scope} wraps nothing of the application's: leave out --value`,
  );
}

/** As an application would have written it in a head: the bytes of its UTF-8, one character each. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function identityOf({ uid, hostname }: TokenSealOptions): TokenIdentity | undefined {
  if (uid !== undefined && hostname !== undefined) {
    throw new UsageError("an endpoint is known by --uid or by --hostname, not by both");
  }
  if (uid !== undefined) return { kind: "uid", value: uid };
  return hostname === undefined ? undefined : { kind: "hostname", value: hostname };
}
