// Makes the head of a response what the client is to get: filters, CORS, and what its session needs.
import type { Decision } from "../affinity/decision.ts";
import { sessionFields } from "../affinity/session-fields.ts";
import type { ResponseHead } from "../model/index.ts";
import type { Exchange } from "./exchange.ts";
import { NO_FILTERS } from "./filter-plan.ts";
import { applyEdit } from "./header-filters.ts";

/** Of a response that the endpoint of the decision gave. */
export function editResponse(exchange: Exchange, head: ResponseHead): void {
  filterResponse(exchange, head);
  const { issue } = exchange.decision as Decision;
  if (issue === undefined) return;
  const nowSec = Math.floor(exchange.context.clock.wallMs() / 1000);
  const fields = sessionFields(exchange.decision as Decision, exchange.stream.connection.tls, nowSec);
  if (fields === undefined) return;
  for (const { name, value } of fields.set) head.edits.set(name, value);
  for (const { name, value } of fields.add) head.edits.add(name, value);
}

/** Of any response that a filter may change, an answer of the gateway itself among them. */
export function filterResponse(exchange: Exchange, { edits }: ResponseHead): void {
  const { filters, ownFilters } = exchange;
  if (filters === NO_FILTERS && ownFilters === NO_FILTERS) return;
  for (const edit of filters.response) applyEdit(edit, edits);
  for (const edit of ownFilters.response) applyEdit(edit, edits);
  exchange.cors?.apply(exchange.head.get("origin"), edits);
}
