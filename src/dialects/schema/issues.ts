// Turns what zod objects to into findings: what is wrong, what was expected, what to write instead.
import type { z } from "zod";
import type { FindingCode } from "../../model/index.ts";
import { type FieldPath, type FindingText, pathText } from "../findings.ts";
import { type FieldProblem, TEXT_FORMS } from "./fields.ts";
import { nearestName } from "./near-names.ts";

export interface Problem extends FindingText {
  readonly code: FindingCode;
  readonly path: FieldPath;
  readonly absent?: readonly string[];
}

type Issue = z.core.$ZodRawIssue;

/** The problems of one issue; several for an object with several unknown fields. */
export function problemsOf(issue: Issue): Problem[] {
  const path = (issue.path ?? []) as FieldPath;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownField(path, key, knownFields(issue)));
    case "custom": {
      const { code = "invalid-value", ...rest } = (issue.params ?? {}) as Omit<
        FieldProblem,
        "message" | "path"
      >;
      return [{ ...rest, code, path, message: issue.message ?? "the value is not allowed" }];
    }
    default:
      return [{ code: "invalid-value", path, ...wrongValue(issue, path) }];
  }
}

/** Whether what was read at the issue's path may be anything but the schema's type. */
export function breaksType(issue: Issue): boolean {
  return issue.continue !== true;
}

function unknownField(path: FieldPath, key: string, known: readonly string[]): Problem {
  const near = nearestName(key, known);
  return {
    code: "unknown-field",
    path: [...path, key],
    message: `the field ${key} is not known here and has no effect`,
    expected: known.length === 0 ? "no field" : `one of ${known.join(", ")}`,
    hint: near === undefined ? `remove ${key}` : `did you mean ${near}?`,
  };
}

function knownFields(issue: Issue): readonly string[] {
  const definition = issue.inst?._zod.def as { shape?: Record<string, unknown> } | undefined;
  return Object.keys(definition?.shape ?? {}).sort();
}

function wrongValue(issue: Issue, path: FieldPath): FindingText & { absent?: readonly string[] } {
  const field = fieldText(path);
  switch (issue.code) {
    case "invalid_type": {
      const form = issue.inst === undefined ? undefined : TEXT_FORMS.get(issue.inst as z.ZodType);
      const expected = form?.expected ?? TYPE_NAMES[issue.expected] ?? `a value of type ${issue.expected}`;
      if (issue.input === undefined) {
        const hint = `add ${field}: ${EXAMPLES[issue.expected] ?? "..."}`;
        return { message: `${field} is required`, expected, hint, absent: ITSELF };
      }
      const found = `${shown(issue.input)} is ${TYPE_NAMES[typeName(issue.input)] ?? "of another type"}`;
      return {
        message: `${field} has the wrong type: ${found}`,
        expected,
        hint: form?.hint ?? typeHint(issue, field),
      };
    }
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const near = typeof issue.input === "string" ? nearestName(issue.input, allowed) : undefined;
      if (issue.input === undefined) {
        const hint = `add ${field}: ${allowed[0]}`;
        return { message: `${field} is required`, expected: oneOf(allowed), hint, absent: ITSELF };
      }
      return {
        message: `${shown(issue.input)} is no value of ${field}`,
        expected: oneOf(allowed),
        hint: near === undefined ? `write ${allowed.join(" or ")}` : `did you mean ${near}?`,
      };
    }
    case "too_small":
    case "too_big":
      return outOfRange(issue, field);
    case "invalid_format":
      return {
        message: `${shown(issue.input)} has the wrong form`,
        expected: FORMATS[issue.format] ?? `the form ${issue.format}`,
        hint: `write ${field} as ${FORMATS[issue.format] ?? issue.format}`,
      };
    default:
      return {
        message: `${shown(issue.input)} is not allowed for ${field}`,
        expected: issue.message ?? "another value",
        hint: `change or remove ${field}`,
      };
  }
}

/** The last name of a path, with the index of the entry where it leads into a list: `codes[2]`. */
function fieldText(path: FieldPath): string {
  const name = path.findLastIndex((step) => typeof step === "string");
  return name < 0 ? "value" : pathText(path.slice(name));
}

function outOfRange(issue: Issue & { code: "too_small" | "too_big" }, field: string): FindingText {
  const tooSmall = issue.code === "too_small";
  const limit = tooSmall ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  const bound = tooSmall ? issue.minimum : issue.maximum;
  switch (issue.origin) {
    case "array": {
      const count = (issue.input as readonly unknown[]).length;
      const hint = tooSmall ? `add entries: ${limit}` : `remove entries: ${limit}`;
      return { message: `${field} has ${count} entries`, expected: `${limit} entries`, hint };
    }
    case "string": {
      const { length } = issue.input as string;
      const expected = tooSmall && bound === 1 ? "a text that is not empty" : `${limit} characters`;
      const hint = tooSmall ? `write ${expected}` : `shorten it to ${bound} characters`;
      return { message: `${field} has ${length} characters`, expected, hint };
    }
    default: {
      const message = `${field} is out of range: ${shown(issue.input)}`;
      return { message, expected: limit, hint: `write ${field}: ${bound} or ${tooSmall ? "more" : "less"}` };
    }
  }
}

/** The problem is that the value itself is absent. */
const ITSELF = [""];

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
  undefined: "nothing",
};

const EXAMPLES: Readonly<Record<string, string>> = {
  string: "<text>",
  number: "<number>",
  int: "<whole number>",
  boolean: "true",
  array: "[...]",
  object: "{...}",
  record: "{...}",
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: "a time of RFC 3339 such as 2026-01-01T00:00:00Z",
};

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function typeHint(issue: Issue & { code: "invalid_type" }, field: string): string {
  const { input } = issue;
  const numeric = issue.expected === "number" || issue.expected === "int";
  if (issue.expected === "string" && (typeof input === "number" || typeof input === "boolean")) {
    return `write ${field}: "${input}"`;
  }
  if (numeric && typeof input === "string" && /^-?[0-9]+$/.test(input)) return `write ${field}: ${input}`;
  if (issue.expected === "boolean" && (input === "true" || input === "false"))
    return `write ${field}: ${input}`;
  if (issue.expected === "array") return `put a list there: ${field}: [...]`;
  return `write ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

/** A value as findings print it: JSON, shortened. */
function shown(value: unknown): string {
  const json = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
