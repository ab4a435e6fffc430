// Header conditions of a match.
import type { RequestHead } from "../model/index.ts";
import { type ValueCondition, valueHolds } from "./value.ts";

/**
 * Several fields of one name count as one value, joined by a comma, as Envoy does and RFC 9110 section 5.3 allows;
 * Gateway API leaves it open. An absent header fulfils nothing, not even an expression that matches the empty text.
 */
export function headersHold(conditions: readonly ValueCondition[], request: RequestHead): boolean {
  for (const condition of conditions) {
    const values = request.getAll(condition.name);
    if (values.length === 0) return false;
    const value = values.length === 1 ? (values[0] as string) : values.join(",");
    if (!valueHolds(condition, value)) return false;
  }
  return true;
}
