// Makes the head of a response what the client is to get: filters, CORS, and what its session needs.
import type { Decision } from "../affinity/decision.ts";
import { sessionFields } from "../affinity/session-fields.ts";
import { isWrapped } from "../affinity/token/session-token.ts";
import type { ResponseHead } from "../model/index.ts";
import type { Exchange } from "./exchange.ts";
import { NO_FILTERS } from "./filter-plan.ts";
import { applyEdit } from "./header-filters.ts";
import { wrapResponse } from "./session-wrap.ts";
import { keepFromSharedCaches } from "./shared-caches.ts";

/** Of a response that the endpoint of the decision gave. */
export function editResponse(exchange: Exchange, head: ResponseHead): void {
  const decision = exchange.decision as Decision;
  const { issue } = decision;
  if (issue === undefined) {
    filterResponse(exchange, head);
    return;
  }
  const { clock, sessionKeys } = exchange.context;
  const nowMs = clock.wallMs();
  const { session } = issue;
  let carriesToken = session !== undefined;
  // Before the filters: they act on what the application said, and it said its own session.
  if (session !== undefined && isWrapped(session)) {
    carriesToken = wrapResponse(head, decision, sessionKeys, nowMs);
  }
  filterResponse(exchange, head);
  const { tls } = exchange.stream.connection;
  const fields = sessionFields(decision, tls, Math.floor(nowMs / 1000), sessionKeys);
  if (fields !== undefined) {
    for (const { name, value } of fields.set) head.edits.set(name, value);
    for (const { name, value } of fields.add) head.edits.add(name, value);
  }
  if (carriesToken && session?.noCache === true) keepFromSharedCaches(head);
}

/** Of a 1xx that comes before the response; filters have no say in it. */
export function editInformation(exchange: Exchange, head: ResponseHead): void {
  const decision = exchange.decision as Decision;
  const session = decision.issue?.session;
  if (session === undefined || !isWrapped(session)) return;
  const { clock, sessionKeys } = exchange.context;
  wrapResponse(head, decision, sessionKeys, clock.wallMs());
}

/** Of any response that a filter may change, an answer of the gateway itself among them. */
export function filterResponse(exchange: Exchange, { edits }: ResponseHead): void {
  const { filters, ownFilters } = exchange;
  if (filters === NO_FILTERS && ownFilters === NO_FILTERS) return;
  for (const edit of filters.response) applyEdit(edit, edits);
  for (const edit of ownFilters.response) applyEdit(edit, edits);
  exchange.cors?.apply(exchange.head.get("origin"), edits);
}
