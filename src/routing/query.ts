// Query parameter conditions of a match.
import { type ValueCondition, valueHolds } from "./value.ts";

/**
 * Compares the raw text of the first parameter of a name, as Envoy does: neither names nor values are
 * percent-decoded, `+` stays `+`, and only `&` separates. `?debug` has the empty value.
 * `queryStart` is the index of the `?`; the path's length where there is none.
 */
export function queryHolds(conditions: readonly ValueCondition[], path: string, queryStart: number): boolean {
  for (const condition of conditions) {
    const value = parameterOf(path, queryStart, condition.name);
    if (value === undefined || !valueHolds(condition, value)) return false;
  }
  return true;
}

/** The raw text of the first parameter of that name. `queryStart` as above. */
export function parameterOf(path: string, queryStart: number, name: string): string | undefined {
  for (let from = queryStart + 1; from < path.length; ) {
    const ampersand = path.indexOf("&", from);
    const end = ampersand === -1 ? path.length : ampersand;
    if (path.startsWith(name, from)) {
      const nameEnd = from + name.length;
      if (nameEnd === end) return "";
      if (path[nameEnd] === "=" && nameEnd < end) return path.slice(nameEnd + 1, end);
    }
    from = end + 1;
  }
  return undefined;
}
