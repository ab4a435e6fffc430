// What a client holds of the application's own session: its value together with the endpoint that gave it.
import type { RequestHead } from "../model/index.ts";
import type { Decision, UnwrappedField } from "./decision.ts";
import { newToken } from "./new-token.ts";
import type { SessionVisit } from "./session-visit.ts";
import type { SessionKeys } from "./token/session-keys.ts";
import { isWrapped, writeToken } from "./token/session-token.ts";

/** A browser keeps no cookie above 4 KiB, and no application's header comes near it. */
const MAX_ORIGINAL_SIZE = 4096;

/**
 * The application's value as its client is to get it. Call it only for what `decision.endpoint` set in its response.
 * Undefined: the client must not get it, because a session that it begins could not hold: there is no key to seal it
 * with, the value is longer than 4 KiB, or this decision's session wraps nothing.
 * @param original as the application wrote it, latin1
 * @param keys what sealed sessions are sealed with
 * @param nowSec wall clock when the response head came, whole unix seconds
 */
export function wrapOriginal(
  decision: Decision,
  original: string,
  keys: SessionKeys | undefined,
  nowSec: number,
): string | undefined {
  const { issue, unwrapped } = decision;
  if (issue?.session === undefined || !isWrapped(issue.session)) return undefined;
  if (decision.endpoint === undefined || original.length > MAX_ORIGINAL_SIZE) return undefined;
  // Another value is another session of the application's, so its time begins now.
  const times = unwrapped?.value === original ? issue : BEGINS;
  return writeToken(issue.session, { ...newToken(issue.session, times, decision, nowSec), original }, keys);
}

const BEGINS = { begunSec: undefined, expiresSec: undefined, lastSeenSec: undefined };

/**
 * What the endpoint gets in place of what the client sent: the application's own value wherever the token opened, at
 * another endpoint too. What does not open is taken out: it is no value of the application's.
 */
export function unwrappedField(
  visit: SessionVisit | undefined,
  request: RequestHead,
): UnwrappedField | undefined {
  if (visit === undefined) return undefined;
  const { carrier } = visit.session;
  if (carrier.kind !== "wrappedHeader" && carrier.kind !== "wrappedCookie") return undefined;
  const kind = carrier.kind === "wrappedHeader" ? "header" : "cookie";
  if (visit.outcome === "new") {
    // What is no cookie of that name to the gateway may be one to the application.
    const isNamed = kind === "cookie" && request.getAll("cookie").some((line) => line.includes(carrier.name));
    if (!isNamed) return undefined;
  }
  return { kind, name: carrier.name, value: visit.token?.original };
}
