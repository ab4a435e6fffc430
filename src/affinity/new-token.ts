// The token that a decision's endpoint has earned: where the session lives, since when, and until when.
import type { SessionPersistence } from "../model/index.ts";
import type { Decision } from "./decision.ts";
import type { GoingOn } from "./session-times.ts";
import { backendMark } from "./token/sealed-layout.ts";
import { identityOf, isWrapped } from "./token/session-token.ts";
import type { Token } from "./token/token.ts";

/**
 * In Envoy's format the time last seen and the beginning are written only where an idle timeout needs them: else they
 * are Envoy's own bytes. A wrapped token is written when the application writes, not when the session is seen, so it
 * counts no idle time.
 */
export function newToken(
  session: SessionPersistence,
  times: GoingOn,
  { endpoint, backend }: Decision,
  nowSec: number,
): Token {
  const { absoluteTimeoutSec, token: rules } = session;
  if (endpoint === undefined) throw new Error("a token names an endpoint");
  const isIdleCounted = session.idleTimeoutSec !== undefined && !isWrapped(session);
  const isSealed = rules.format === "sealed";
  const begunSec = times.begunSec ?? nowSec;
  const ownEndSec = absoluteTimeoutSec === undefined ? 0 : begunSec + absoluteTimeoutSec;
  return {
    address: endpoint.endpoint.address,
    expiresSec: times.expiresSec ?? ownEndSec,
    lastSeenSec: isIdleCounted ? Math.max(times.lastSeenSec ?? 0, nowSec) : 0,
    begunSec: isIdleCounted || isSealed ? begunSec : 0,
    identity: isSealed ? identityOf(rules.identity, endpoint.endpoint) : undefined,
    backendMark: isSealed && backend !== undefined ? backendMark(backend.backend.id) : undefined,
  };
}
