// What a list of filters amounts to, sorted by when each of them has its turn; made once for each list.
import type { Filter, HeaderEdit, Redirect } from "../model/index.ts";
import { CorsPolicy } from "./cors.ts";

export type RequestFilter = Extract<Filter, { kind: "requestHeaders" | "rewrite" }>;
export type MirrorFilter = Extract<Filter, { kind: "mirror" }>;

export interface FilterPlan {
  /** These two may answer a request, so that no endpoint gets it. */
  readonly cors: CorsPolicy | undefined;
  readonly redirect: Redirect | undefined;
  /** In their order, as all of these. */
  readonly request: readonly RequestFilter[];
  readonly mirrors: readonly MirrorFilter[];
  readonly response: readonly HeaderEdit[];
}

export const NO_FILTERS: FilterPlan = {
  cors: undefined,
  redirect: undefined,
  request: [],
  mirrors: [],
  response: [],
};

/** Snapshots never change, so that a list of filters is its own key. */
const plans = new WeakMap<readonly Filter[], FilterPlan>();

export function filterPlan(filters: readonly Filter[]): FilterPlan {
  if (filters.length === 0) return NO_FILTERS;
  let plan = plans.get(filters);
  if (plan === undefined) {
    plan = planFilters(filters);
    plans.set(filters, plan);
  }
  return plan;
}

function planFilters(filters: readonly Filter[]): FilterPlan {
  const request: RequestFilter[] = [];
  const mirrors: MirrorFilter[] = [];
  const response: HeaderEdit[] = [];
  let cors: CorsPolicy | undefined;
  let redirect: Redirect | undefined;
  for (const filter of filters) {
    switch (filter.kind) {
      case "requestHeaders":
      case "rewrite":
        request.push(filter);
        break;
      case "responseHeaders":
        response.push(filter.edit);
        break;
      case "mirror":
        mirrors.push(filter);
        break;
      case "cors":
        cors ??= new CorsPolicy(filter.cors);
        break;
      case "redirect":
        redirect ??= filter.redirect;
        break;
    }
  }
  return { cors, redirect, request, mirrors, response };
}
