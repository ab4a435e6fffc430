// When a session is over, by its token and the wall clock, and when its times have to be written anew.
import type { Endpoint, SessionPersistence } from "../model/index.ts";
import type { Token } from "./token/token.ts";

/** A token is from the future if it is ahead by more than this: replicas' clocks differ by less. */
const MAX_CLOCK_DIFFERENCE_SEC = 10;

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

/** When the session began, as its token says or as it follows from its end; 0: unknown. */
export function begunSec({ absoluteTimeoutSec }: SessionPersistence, token: Token): number {
  if (token.begunSec !== 0 || token.expiresSec === 0 || absoluteTimeoutSec === undefined)
    return token.begunSec;
  return Math.max(0, token.expiresSec - absoluteTimeoutSec);
}

/** Past its absolute or idle timeout, or begun before the time that its rules begin with. */
export function isExpired(session: SessionPersistence, token: Token, nowSec: number): boolean {
  const { idleTimeoutSec, token: rules } = session;
  const endSec = absoluteEndSec(session, token);
  const lastSec = session.endSecond === "included" ? endSec : endSec - 1;
  if (endSec !== 0 && nowSec > lastSec) return true;
  if (rules.format === "sealed" && rules.notBeforeSec !== undefined) {
    if (begunSec(session, token) < rules.notBeforeSec) return true;
  }
  if (idleTimeoutSec === undefined || token.lastSeenSec === 0) return false;
  return nowSec > token.lastSeenSec + idleTimeoutSec + idleSlackSec(idleTimeoutSec);
}

/** The token has to be written anew to go on counting the session's times. */
export function areTimesStale(session: SessionPersistence, token: Token, nowSec: number): boolean {
  if (isFromFuture(token.begunSec, nowSec) || isFromFuture(token.lastSeenSec, nowSec)) return true;
  const { idleTimeoutSec } = session;
  return idleTimeoutSec !== undefined && nowSec - token.lastSeenSec > idleSlackSec(idleTimeoutSec);
}

/** The times of a session that goes on with another token, unix seconds. */
export interface GoingOn {
  /** Undefined: with the response. */
  readonly begunSec: number | undefined;
  /** Undefined: what the absolute timeout says. */
  readonly expiresSec: number | undefined;
  /** It is written no earlier than this, even by a clock that is behind. */
  readonly lastSeenSec: number | undefined;
}

/**
 * A session keeps its beginning, its end, and what was seen of it later than now. A time from the future comes from a
 * clock that was wrong, and is replaced by this clock's: otherwise the session would last longer by that.
 */
export function goOn(session: SessionPersistence, token: Token, nowSec: number): GoingOn {
  const begun = begunSec(session, token);
  const lastSeenSec = isFromFuture(token.lastSeenSec, nowSec) ? undefined : token.lastSeenSec;
  if (isFromFuture(begun, nowSec)) return { begunSec: undefined, expiresSec: undefined, lastSeenSec };
  return {
    begunSec: begun === 0 ? undefined : begun,
    expiresSec: absoluteEndSec(session, token) || undefined,
    lastSeenSec,
  };
}

function isFromFuture(sec: number, nowSec: number): boolean {
  return sec > nowSec + MAX_CLOCK_DIFFERENCE_SEC;
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
