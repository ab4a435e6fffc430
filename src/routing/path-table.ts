// The rules of one hostname by path: exact paths first, then expressions, then the longest prefix.
import type { PathMatch, RequestHead } from "../model/index.ts";
import { type Candidate, CandidateList } from "./candidates.ts";
import type { RouteResult } from "./match-result.ts";
import { HASH_START, hashStep, TextTable } from "./text-table.ts";

const SLASH = 0x2f;

function hashForwards(text: string): number {
  let hash = HASH_START;
  for (let at = 0; at < text.length; at++) hash = hashStep(hash, text.charCodeAt(at));
  return hash;
}

export class PathTable {
  readonly #exact = new TextTable<CandidateList>();
  readonly #expressions = new CandidateList();
  /** Prefixes without their trailing slash, which means nothing: `/shop`. */
  readonly #prefixes = new TextTable<CandidateList>();
  /** Prefix `/`: matches every request, `OPTIONS *` included. */
  readonly #root = new CandidateList();

  add(path: PathMatch, candidate: Candidate): void {
    this.#listFor(path).add(candidate);
  }

  /**
   * Walks the path once, asks for a prefix at every `/`, and makes no substring. `pathEnd` is where the query starts;
   * `prefixes` is room for what is found on the way.
   */
  find(
    request: RequestHead,
    path: string,
    pathEnd: number,
    prefixes: CandidateList[],
  ): RouteResult | undefined {
    const isExactPossible = pathEnd <= this.#exact.longest;
    const stop = isExactPossible ? pathEnd : Math.min(pathEnd, this.#prefixes.longest + 1);
    let hash = HASH_START;
    let count = 0;
    for (let at = 0; at < stop; at++) {
      const unit = path.charCodeAt(at);
      if (unit === SLASH && at > 0) {
        const list = this.#prefixes.get(hash, path, 0, at);
        if (list !== undefined) prefixes[count++] = list;
      }
      hash = hashStep(hash, unit);
    }
    if (stop === pathEnd) {
      const list = this.#prefixes.get(hash, path, 0, pathEnd);
      if (list !== undefined) prefixes[count++] = list;
      const result = this.#exact.get(hash, path, 0, pathEnd)?.find(request, path, pathEnd);
      if (result !== undefined) return result;
    }
    const expression = this.#expressions.find(request, path, pathEnd);
    if (expression !== undefined) return expression;
    while (count > 0) {
      const result = (prefixes[--count] as CandidateList).find(request, path, pathEnd);
      if (result !== undefined) return result;
    }
    return this.#root.find(request, path, pathEnd);
  }

  #listFor(path: PathMatch): CandidateList {
    if (path.type === "regex") return this.#expressions;
    const isExact = path.type === "exact";
    const key = !isExact && path.value.endsWith("/") ? path.value.slice(0, -1) : path.value;
    if (key === "") return this.#root;
    const table = isExact ? this.#exact : this.#prefixes;
    const hash = hashForwards(key);
    const known = table.get(hash, key, 0, key.length);
    if (known !== undefined) return known;
    const list = new CandidateList();
    table.add(hash, key, list);
    return list;
  }
}
