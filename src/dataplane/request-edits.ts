// Makes the head of a request what its endpoint is to get: forwarded fields, the application's session, then the filters.
import type { RequestHead } from "../model/index.ts";
import type { Exchange } from "./exchange.ts";
import { NO_FILTERS, type RequestFilter } from "./filter-plan.ts";
import { writeForwardedFields } from "./forwarded-fields.ts";
import { applyEdit } from "./header-filters.ts";
import { countHop } from "./max-forwards.ts";
import { editPath } from "./path-edit.ts";
import { unwrapRequest } from "./session-wrap.ts";

/** Once for every decision, with the filters of the backendRef that it chose. */
export function editRequest(exchange: Exchange): void {
  const { head, connection } = exchange.stream;
  const { filters, ownFilters } = exchange;
  writeForwardedFields(head, connection, exchange.client, exchange.requestId);
  const unwrapped = exchange.decision?.unwrapped;
  if (unwrapped !== undefined) unwrapRequest(head, unwrapped);
  if (filters === NO_FILTERS && ownFilters === NO_FILTERS) return;
  for (const filter of filters.request) applyFilter(filter, exchange, head);
  for (const filter of ownFilters.request) applyFilter(filter, exchange, head);
}

/** Before another try, which may be at another backendRef: nothing that was done for the one of before may stay. */
export function resetRequest(exchange: Exchange): void {
  const { head } = exchange;
  head.edits.reset();
  countHop(head);
  exchange.path = exchange.target;
}

/** The original host stays in `X-Forwarded-Host`. */
function applyFilter(filter: RequestFilter, exchange: Exchange, { edits }: RequestHead): void {
  if (filter.kind === "requestHeaders") {
    applyEdit(filter.edit, edits);
    return;
  }
  if (filter.hostname !== undefined) edits.set("host", filter.hostname);
  if (filter.path !== undefined) exchange.path = editPath(exchange.path, filter.path);
}
