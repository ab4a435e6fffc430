// Looks into a token of any format: what it says, which session it belongs to, and how long it has yet.
import { absoluteEndSec, idleSlackSec, isExpired } from "../affinity/session-times.ts";
import { decodeEnvelope } from "../affinity/token/envelope.ts";
import { wrappingCookieFormat } from "../affinity/token/envoy-cookie.ts";
import { envoyHeaderFormat } from "../affinity/token/envoy-header.ts";
import { claimedKeyId } from "../affinity/token/key-ring.ts";
import { backendMark, decodeSealedLayout } from "../affinity/token/sealed-layout.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import { addressToken, type Token } from "../affinity/token/token.ts";
import type { SessionPersistence } from "../model/index.ts";

/** `envoy-cookie` is the protobuf, `envoy-address` base64 of the address alone, `envoy-envelope` wraps a value. */
export type TokenForm = "sealed" | "envoy-cookie" | "envoy-address" | "envoy-envelope";

export interface TokenReading {
  readonly form: TokenForm;
  readonly token: Token;
  /** The scope under which it opened; undefined: it is not sealed. */
  readonly scope: string | undefined;
}

/** Why there is no reading. */
export type TokenObstacle =
  | { readonly obstacle: "no-token" }
  | {
      readonly obstacle: "no-keys" | "unknown-key" | "does-not-open" | "other-layout";
      readonly keyId: string;
    };

/** What a sealed token may be opened with. */
export interface TokenOpeners {
  readonly keys: SessionKeys | undefined;
  /** All of them are tried. */
  readonly scopes: readonly string[];
}

/** Never throws, whatever the text. */
export function lookIntoToken(text: string, { keys, scopes }: TokenOpeners): TokenReading | TokenObstacle {
  const keyId = claimedKeyId(text);
  if (keyId === undefined) return readEnvoyToken(text);
  if (keys === undefined) return { obstacle: "no-keys", keyId };
  if (!keys.keyIds.includes(keyId)) return { obstacle: "unknown-key", keyId };
  for (const scope of scopes) {
    const opened = keys.open(text, scope);
    if (opened === undefined) continue;
    const token = decodeSealedLayout(opened.plain, opened.keyId);
    return token === undefined ? { obstacle: "other-layout", keyId } : { form: "sealed", token, scope };
  }
  return { obstacle: "does-not-open", keyId };
}

function readEnvoyToken(text: string): TokenReading | TokenObstacle {
  const envelope = decodeEnvelope(text);
  if (envelope !== undefined) {
    const token = { ...addressToken(envelope.address), original: envelope.original };
    return { form: "envoy-envelope", token, scope: undefined };
  }
  const address = envoyHeaderFormat.decode(text);
  if (address !== undefined) return { form: "envoy-address", token: address, scope: undefined };
  const token = wrappingCookieFormat.decode(text);
  return token === undefined ? { obstacle: "no-token" } : { form: "envoy-cookie", token, scope: undefined };
}

/** How a token stands under the rules of its session. Unix seconds; undefined: no such time. */
export interface TokenTimes {
  /** When it ends whatever its use. */
  readonly endsSec: number | undefined;
  /** When it ends unless it is used before. */
  readonly idleEndsSec: number | undefined;
  readonly isExpired: boolean;
}

/** `session` undefined: what the token itself says. */
export function tokenTimes(
  token: Token,
  session: SessionPersistence | undefined,
  nowSec: number,
): TokenTimes {
  if (session === undefined) {
    const { expiresSec } = token;
    const isOver = expiresSec !== 0 && nowSec > expiresSec;
    return { endsSec: expiresSec || undefined, idleEndsSec: undefined, isExpired: isOver };
  }
  const { idleTimeoutSec } = session;
  const idleEndsSec =
    idleTimeoutSec === undefined || token.lastSeenSec === 0
      ? undefined
      : token.lastSeenSec + idleTimeoutSec + idleSlackSec(idleTimeoutSec);
  return {
    endsSec: absoluteEndSec(session, token) || undefined,
    idleEndsSec,
    isExpired: isExpired(session, token, nowSec),
  };
}

/** Id of the backend that the token was issued for; undefined: it does not say, or it is none of these. */
export function backendOfToken({ backendMark: mark }: Token, ids: readonly string[]): string | undefined {
  return mark === undefined ? undefined : ids.find((id) => backendMark(id) === mark);
}

/** null: the token does not say, or no calendar goes so far. */
export function timeText(sec: number | undefined): string | null {
  if (sec === undefined || sec === 0 || sec > MAX_DATE_SEC) return null;
  return `${new Date(sec * 1000).toISOString().slice(0, 19)}Z`;
}

/** Anybody may write any number into a token that is not sealed. */
const MAX_DATE_SEC = 253_402_300_799;
