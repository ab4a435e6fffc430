// Conditions on one text value, compiled: what header and query matches have in common.
import { compileRegex, type ValueMatch } from "../model/index.ts";

export interface ValueCondition {
  readonly name: string;
  /** The exact text, or an expression for the whole value. */
  readonly wanted: string | RegExp;
}

const NONE: readonly ValueCondition[] = [];

/** Undefined: an expression does not compile, so the conditions never hold together. */
export function compileValues(matches: readonly ValueMatch[]): readonly ValueCondition[] | undefined {
  if (matches.length === 0) return NONE;
  const conditions: ValueCondition[] = [];
  for (const { type, name, value } of matches) {
    if (type === "exact") {
      conditions.push({ name, wanted: value });
      continue;
    }
    const compiled = compileRegex(value);
    if ("problem" in compiled) return undefined;
    conditions.push({ name, wanted: compiled.regex });
  }
  return conditions;
}

export function valueHolds(condition: ValueCondition, value: string): boolean {
  const { wanted } = condition;
  return typeof wanted === "string" ? wanted === value : wanted.test(value);
}
