// The rules that share one path condition, in order of precedence; the first whose other conditions hold takes the request.
import { compileRegex, type RequestHead, type RouteMatch } from "../model/index.ts";
import { headersHold } from "./header.ts";
import type { RouteResult } from "./match-result.ts";
import { queryHolds } from "./query.ts";
import { compileValues, type ValueCondition } from "./value.ts";

export interface Candidate {
  readonly rank: number;
  readonly method: string | undefined;
  readonly headers: readonly ValueCondition[];
  readonly query: readonly ValueCondition[];
  /** Where the path condition is an expression; else the table has looked at the path already. */
  readonly path: RegExp | undefined;
  readonly result: RouteResult;
}

const CONDITIONS = 4096;

/** Undefined: a condition does not compile, so the match never holds. */
export function compileCandidate(match: RouteMatch, result: RouteResult): Candidate | undefined {
  const headers = compileValues(match.headers);
  const query = compileValues(match.query);
  if (headers === undefined || query === undefined) return undefined;
  const candidate = { rank: rankOf(match), method: match.method, headers, query, path: undefined, result };
  if (match.path.type !== "regex") return candidate;
  const compiled = compileRegex(match.path.value);
  return "problem" in compiled ? undefined : { ...candidate, path: compiled.regex };
}

/**
 * Gateway API's order of criteria as one number: method, then number of headers, then of query parameters.
 * Among expressions the longer comes first, which the specification leaves to the implementation.
 */
function rankOf(match: RouteMatch): number {
  const length = match.path.type === "regex" ? match.path.value.length : 0;
  const method = match.method === undefined ? 0 : 1;
  const headers = Math.min(match.headers.length, CONDITIONS - 1);
  const query = Math.min(match.query.length, CONDITIONS - 1);
  return ((length * 2 + method) * CONDITIONS + headers) * CONDITIONS + query;
}

const EMPTY: readonly Candidate[] = [];

export class CandidateList {
  #ordered = EMPTY as Candidate[];

  /** Of equal rank the one that was added first goes first: add in the order of routes, rules and matches. */
  add(candidate: Candidate): void {
    // Most lists have one candidate; a literal takes its room alone, while `splice` makes room for sixteen more.
    if (this.#ordered.length === 0) {
      this.#ordered = [candidate];
      return;
    }
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ordered[middle] as Candidate).rank >= candidate.rank) low = middle + 1;
      else high = middle;
    }
    this.#ordered.splice(low, 0, candidate);
  }

  find(request: RequestHead, path: string, pathEnd: number): RouteResult | undefined {
    const ordered = this.#ordered;
    for (let index = 0; index < ordered.length; index++) {
      const candidate = ordered[index] as Candidate;
      if (
        (candidate.method === undefined || candidate.method === request.method) &&
        (candidate.path === undefined || candidate.path.test(path.slice(0, pathEnd))) &&
        headersHold(candidate.headers, request) &&
        queryHolds(candidate.query, path, pathEnd)
      ) {
        return candidate.result;
      }
    }
    return undefined;
  }
}
