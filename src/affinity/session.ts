// Where a session applies, and where in a request its tokens travel.
import type { RequestHead, SessionPersistence } from "../model/index.ts";
import { cookieValues } from "./cookie.ts";

/** More tokens of one name are not looked at: to open one that somebody made up costs more than to read it. */
export const MAX_TOKENS = 8;

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

/**
 * Texts that could be tokens, in the order of the request: every cookie of the name, or the first header line, as Envoy
 * reads it. Of a header that wraps the application's every line counts: the application might read any of them.
 */
export function tokenTexts(session: SessionPersistence, request: RequestHead): readonly string[] {
  const { carrier } = session;
  if (carrier.kind === "cookie" || carrier.kind === "wrappedCookie") {
    const values = cookieValues(request, carrier.name);
    return values.length > MAX_TOKENS ? values.slice(0, MAX_TOKENS) : values;
  }
  const name = carrier.name.toLowerCase();
  const value = request.get(name);
  if (value !== undefined && carrier.kind === "wrappedHeader")
    return request.getAll(name).slice(0, MAX_TOKENS);
  return value === undefined ? NO_TOKENS : [value];
}
