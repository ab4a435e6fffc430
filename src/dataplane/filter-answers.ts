// Answers in place of an endpoint where filters say so: preflights of browsers, and redirects.
import type { Exchange } from "./exchange.ts";
import type { FilterPlan } from "./filter-plan.ts";
import { redirectLocation } from "./redirect.ts";

/** True: the request is answered. Preflights come first, since browsers follow no redirect with them. */
export function answerByFilters(exchange: Exchange, filters: FilterPlan): boolean {
  const { cors, redirect } = filters;
  if (cors === undefined && redirect === undefined) return false;
  const { head, stream, match, target } = exchange;
  const preflight = cors?.preflight(head);
  if (preflight !== undefined) {
    exchange.answerWith(204, preflight);
    return true;
  }
  if (redirect === undefined) return false;
  const listenerPort = match?.listener?.port ?? stream.connection.localPort;
  const location = redirectLocation(redirect, head, target, stream.connection, listenerPort);
  exchange.answerWith(redirect.status, ["location", location]);
  return true;
}
