// Session rules: where the token travels, when it is over, when it is renewed.
import type { Endpoint, RequestHead, SessionPersistence } from "../model/index.ts";
import { cookieValues } from "./cookie.ts";
import { envoyCookieFormat } from "./token/envoy-cookie.ts";
import { envoyHeaderFormat, timedEnvoyHeaderFormat } from "./token/envoy-header.ts";
import type { Token, TokenFormat } from "./token/token.ts";

/** More tokens of one name are not looked at. */
const MAX_TOKENS = 8;

/** How the session's tokens are written and read. */
export function tokenFormat(session: SessionPersistence): TokenFormat {
  if (session.carrier.kind === "cookie") return envoyCookieFormat;
  const isTimed = session.absoluteTimeoutSec !== undefined || session.idleTimeoutSec !== undefined;
  return isTimed ? timedEnvoyHeaderFormat : envoyHeaderFormat;
}

/** False outside the path that the session is bound to: there the rule keeps no sessions. Envoy's path gate. */
export function appliesTo(session: SessionPersistence, path: string): boolean {
  const gate = session.carrier.kind === "cookie" ? session.carrier.onlyUnderPath : undefined;
  if (gate === undefined || gate === "" || gate === "/") return true;
  if (!path.startsWith(gate)) return false;
  if (gate.endsWith("/") || path.length === gate.length) return true;
  const next = path[gate.length];
  return next === "/" || next === "?" || next === "#";
}

const NO_TOKENS: readonly string[] = [];

/** Texts that could be tokens, in the order of the request: every cookie of the name, or the first header line. */
export function tokenTexts(session: SessionPersistence, request: RequestHead): readonly string[] {
  if (session.carrier.kind === "cookie") {
    const values = cookieValues(request, session.carrier.name);
    return values.length > MAX_TOKENS ? values.slice(0, MAX_TOKENS) : values;
  }
  const value = request.get(session.carrier.name.toLowerCase());
  return value === undefined ? NO_TOKENS : [value];
}

/**
 * How stale the time last seen may get before a token is renewed, in seconds: it saves a new token with every
 * response, and is granted on top of the idle timeout, so that nobody is cut off early for it.
 */
export function idleSlackSec(idleTimeoutSec: number): number {
  return Math.max(1, Math.floor(idleTimeoutSec / 16));
}

/** The second in which the session ends whatever its use; 0: none. */
export function absoluteEndSec(session: SessionPersistence, token: Token): number {
  if (session.absoluteTimeoutSec === undefined || token.begunSec === 0) return token.expiresSec;
  const end = token.begunSec + session.absoluteTimeoutSec;
  return token.expiresSec === 0 ? end : Math.min(end, token.expiresSec);
}

/** Past its absolute or idle timeout. */
export function isExpired(session: SessionPersistence, token: Token, nowSec: number): boolean {
  const endSec = absoluteEndSec(session, token);
  const lastSec = session.endSecond === "included" ? endSec : endSec - 1;
  if (endSec !== 0 && nowSec > lastSec) return true;
  const idleSec = session.idleTimeoutSec;
  if (idleSec === undefined || token.lastSeenSec === 0) return false;
  return nowSec > token.lastSeenSec + idleSec + idleSlackSec(idleSec);
}

/** A kept session needs a new token to go on counting its idle time. */
export function needsRenewal(session: SessionPersistence, token: Token, nowSec: number): boolean {
  const idleSec = session.idleTimeoutSec;
  return idleSec !== undefined && nowSec - token.lastSeenSec > idleSlackSec(idleSec);
}

/** The endpoint drains, and the time that the session may stay there meanwhile is over. */
export function isDrained(
  endpoint: Endpoint,
  { drainTimeoutSec }: SessionPersistence,
  nowSec: number,
): boolean {
  const { health, drainingSinceMs } = endpoint;
  if (health !== "draining" || drainTimeoutSec === undefined || drainingSinceMs === undefined) return false;
  return nowSec * 1000 - drainingSinceMs >= drainTimeoutSec * 1000;
}
