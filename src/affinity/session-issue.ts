// What a decision makes due to the client: a token for a new session, another one for a session that goes on, cookies.
import type { DecideOptions, GeneratedCookie, Issue } from "./decision.ts";
import { areTimesStale, goOn } from "./session-times.ts";
import type { SessionVisit } from "./session-visit.ts";
import type { SessionKeys } from "./token/session-keys.ts";
import { isWrapped } from "./token/session-token.ts";

const NO_COOKIES: readonly GeneratedCookie[] = [];

/**
 * Undefined: nothing is due. A wrapped session is due with every decision for it, as any response may set the
 * application's value.
 *
 * @param visit undefined: the rule keeps no sessions
 * @param generated hash cookies; copied
 */
export function issueFor(
  visit: SessionVisit | undefined,
  { nowSec, keys }: DecideOptions,
  generated: readonly GeneratedCookie[],
): Issue | undefined {
  const cookies = generated.length === 0 ? NO_COOKIES : generated.slice();
  if (visit === undefined || !(needsToken(visit, nowSec, keys) || isWrapped(visit.session))) {
    return cookies === NO_COOKIES ? undefined : { ...BEGINS, session: undefined, cookies };
  }
  const { session, token } = visit;
  if (token === undefined || !keepsTimes(visit)) return { ...BEGINS, session, cookies };
  return { ...goOn(session, token, nowSec), session, cookies };
}

const BEGINS = { begunSec: undefined, expiresSec: undefined, lastSeenSec: undefined };

/** The client has no token, or not the one that it should have from now on. */
function needsToken(visit: SessionVisit, nowSec: number, keys: SessionKeys | undefined): boolean {
  const { session, token, endpoint } = visit;
  if (visit.outcome !== "kept" || token === undefined) return true;
  if (areTimesStale(session, token, nowSec) || token.address !== endpoint?.endpoint.address) return true;
  // Once no client has a token of an old key, or one that was never sealed, neither needs to be accepted any more.
  return session.token.format === "sealed" && keys !== undefined && token.keyId !== keys.keyIds[0];
}

/**
 * A session that goes on counts from its beginning, at another endpoint too. In Envoy's format the sessions that end
 * by Envoy's rule begin anew there, as Envoy's do.
 */
function keepsTimes({ session, outcome, token }: SessionVisit): boolean {
  return outcome === "kept" || token?.keyId !== undefined || session.endSecond === "excluded";
}
