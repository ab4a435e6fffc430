// Edits heads where a session wraps the application's own: wrapped on the way to the client, unwrapped on the way back.
import { cookieValueSpan, replaceCookie } from "../affinity/application-cookie.ts";
import type { Decision, UnwrappedField } from "../affinity/decision.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import { wrapOriginal } from "../affinity/wrapped-session.ts";
import type { RequestHead, ResponseHead } from "../model/index.ts";

const COOKIE = "cookie";
const SET_COOKIE = "set-cookie";

/** The endpoint gets the application's own value in place of what the client sent. */
export function unwrapRequest(head: RequestHead, { kind, name, value }: UnwrappedField): void {
  const { edits } = head;
  if (kind === "cookie") {
    edits.remove(COOKIE);
    for (const line of replaceCookie(head.getAll(COOKIE), name, value)) edits.add(COOKIE, line);
  } else if (value === undefined) {
    edits.remove(name);
  } else {
    edits.set(name, value);
  }
}

/**
 * The client gets what the application set wrapped. A response in which it sets nothing, or ends its session, stays as
 * it is: a session begins and ends when the application's does. What cannot be wrapped is left out, as a session that
 * it begins could not hold. True: there is a token in it now.
 * @param keys what sealed sessions are sealed with
 * @param nowMs wall clock, milliseconds since 1970
 */
export function wrapResponse(
  head: ResponseHead,
  decision: Decision,
  keys: SessionKeys | undefined,
  nowMs: number,
): boolean {
  const wrap = (original: string) => wrapOriginal(decision, original, keys, Math.floor(nowMs / 1000));
  const carrier = decision.issue?.session?.carrier;
  switch (carrier?.kind) {
    case "wrappedHeader":
      return wrapHeader(head, carrier.name, wrap);
    case "wrappedCookie":
      return wrapCookie(head, carrier.name, wrap, nowMs);
    default:
      return false;
  }
}

/** Undefined: it cannot be wrapped. */
type Wrap = (original: string) => string | undefined;

/** Of several lines, which mean nothing together, the first one stands. */
function wrapHeader(head: ResponseHead, name: string, wrap: Wrap): boolean {
  const original = head.get(name.toLowerCase());
  if (original === undefined || original === "") return false;
  const token = wrap(original);
  if (token === undefined) head.edits.remove(name);
  else head.edits.set(name, token);
  return token !== undefined;
}

function wrapCookie(head: ResponseHead, name: string, wrap: Wrap, nowMs: number): boolean {
  const lines = head.getAll(SET_COOKIE);
  const spans = lines.map((line) => cookieValueSpan(line, name, nowMs));
  if (spans.every((span) => span === undefined)) return false;
  let isWrapped = false;
  head.edits.remove(SET_COOKIE);
  lines.forEach((line, index) => {
    const span = spans[index];
    if (span === undefined) {
      head.edits.add(SET_COOKIE, line);
      return;
    }
    const token = wrap(line.slice(span.start, span.end));
    if (token === undefined) return;
    isWrapped = true;
    head.edits.add(SET_COOKIE, line.slice(0, span.start) + token + line.slice(span.end));
  });
  return isWrapped;
}
