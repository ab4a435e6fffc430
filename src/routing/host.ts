// Hostnames: where the host of an authority ends, and which exact, wildcard or catch-all hostname takes it.
import { HASH_START, hashStep, TextTable } from "./text-table.ts";

const DOT = 0x2e;

/** Where the host ends in an authority: before the port and before the root's trailing dot. */
export function hostEnd(authority: string): number {
  // The colons of an IPv6 literal are inside its brackets.
  const colon = authority.indexOf(":", authority.indexOf("]") + 1);
  const end = colon === -1 ? authority.length : colon;
  return end > 1 && authority.charCodeAt(end - 1) === DOT ? end - 1 : end;
}

/** Hostnames are hashed from their end, because wildcards share the end. */
function hashBackwards(text: string): number {
  let hash = HASH_START;
  for (let at = text.length - 1; at >= 0; at--) hash = hashStep(hash, text.charCodeAt(at));
  return hash;
}

/**
 * Values by hostname: `shop.example`, `*.example` (any number of labels in place of the `*`, at least one), `*`.
 * Hostnames and hosts are lower case (the head of a request gives its authority so).
 */
export class HostTable<T> {
  readonly #exact = new TextTable<T>();
  /** Wildcards without their `*`: `.example`. */
  readonly #suffixes = new TextTable<T>();
  #any: T | undefined;

  get(hostname: string): T | undefined {
    if (hostname === "*") return this.#any;
    const { table, key } = this.#place(hostname);
    return table.get(hashBackwards(key), key, 0, key.length);
  }

  /** `hostname` must be new. */
  add(hostname: string, value: T): void {
    if (hostname === "*") {
      this.#any = value;
      return;
    }
    const { table, key } = this.#place(hostname);
    table.add(hashBackwards(key), key, value);
  }

  /**
   * Fills `found` with the values that take the host, the least specific first, and answers how many there are.
   * Specific is what Gateway API calls so: an exact hostname, then the longest wildcard, then none.
   */
  find(authority: string, end: number, found: T[]): number {
    let count = 0;
    if (this.#any !== undefined) found[count++] = this.#any;
    const isExactPossible = end <= this.#exact.longest;
    const stop = isExactPossible ? 0 : Math.max(0, end - this.#suffixes.longest);
    let hash = HASH_START;
    for (let at = end - 1; at >= stop; at--) {
      const unit = authority.charCodeAt(at);
      hash = hashStep(hash, unit);
      if (unit === DOT && at > 0) {
        const value = this.#suffixes.get(hash, authority, at, end);
        if (value !== undefined) found[count++] = value;
      }
    }
    if (isExactPossible) {
      const value = this.#exact.get(hash, authority, 0, end);
      if (value !== undefined) found[count++] = value;
    }
    return count;
  }

  #place(hostname: string): { table: TextTable<T>; key: string } {
    return hostname.startsWith("*.")
      ? { table: this.#suffixes, key: hostname.slice(1) }
      : { table: this.#exact, key: hostname };
  }
}
