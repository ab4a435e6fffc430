// HTTPRoute matches: path, headers, query parameters and method; the fields and what they become.
import { z } from "zod";
import { compileRegex, type PathMatch, type RouteMatch, type ValueMatch } from "../../model/index.ts";
import { checked, equivalentNames, type FieldProblem, fieldName, repeatedNames } from "../schema/fields.ts";

/** Of paths, also of those that filters write. */
export const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;
const PATH_NEVER = ["//", "/./", "/../", "%2f", "%2F", "#"];

const path = checked(
  z.strictObject({
    type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"),
    value: z.string().max(1024).default("/"),
  }),
  ({ type, value }) => (type === "RegularExpression" ? badRegex(value) : badPath(type, value)),
);

function badPath(type: string, value: string): FieldProblem | undefined {
  const wrong = (message: string, hint: string): FieldProblem => {
    return { path: ["value"], message, expected: `a path for a match of type ${type}`, hint };
  };
  const shown = JSON.stringify(value);
  if (!value.startsWith("/")) return wrong(`${shown} does not begin with /`, `write /${value}`);
  const never = PATH_NEVER.find((part) => value.includes(part));
  if (never !== undefined) return wrong(`${shown} contains ${never}`, `write the path without ${never}`);
  if (value.endsWith("/..") || value.endsWith("/.")) {
    return wrong(`${shown} ends with a dot segment`, "write the path that it stands for");
  }
  if (!PATH_CHARACTERS.test(value)) {
    return wrong(
      `${shown} has characters that no path has`,
      "percent-encode what is no letter, digit or /._~!$&'()*+,;=:@-",
    );
  }
  return undefined;
}

function badRegex(value: string): FieldProblem | undefined {
  const compiled = compileRegex(value);
  if (!("problem" in compiled)) return undefined;
  return {
    path: ["value"],
    message: `${JSON.stringify(value)} cannot be used: ${compiled.problem}`,
    expected: "a regular expression that RE2 and JavaScript read alike",
    hint: "correct the expression, or use type Exact",
  };
}

function valueMatch(maxLength: number) {
  return checked(
    z.strictObject({
      type: z.enum(["Exact", "RegularExpression"]).default("Exact"),
      name: fieldName,
      value: z.string().min(1).max(maxLength),
    }),
    ({ type, value }) => (type === "RegularExpression" ? badRegex(value) : undefined),
  );
}

export const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
] as const;

/** One match with the CRD's defaults. */
export const routeMatchSchema = z.strictObject({
  path: path.prefault({}),
  headers: checked(z.array(valueMatch(4096)).max(16), (all) => [
    ...repeatedNames(all, "headers"),
    ...equivalentNames(all),
  ]).default([]),
  queryParams: checked(z.array(valueMatch(1024)).max(16), (all) => repeatedNames(all, "parameters")).default(
    [],
  ),
  method: z.enum(METHODS).optional(),
});

export type RouteMatchValue = z.output<typeof routeMatchSchema>;

const PATH_TYPES = { Exact: "exact", PathPrefix: "prefix", RegularExpression: "regex" } as const;
const VALUE_TYPES = { Exact: "exact", RegularExpression: "regex" } as const;

export function routeMatch(match: RouteMatchValue): RouteMatch {
  return {
    path: pathMatch(match.path),
    headers: firstOfEachName(match.headers, (name) => name.toLowerCase()),
    query: firstOfEachName(match.queryParams, (name) => name),
    ...(match.method === undefined ? {} : { method: match.method }),
  };
}

/** A prefix matches by segments, so its trailing slash means nothing. */
function pathMatch({ type, value }: RouteMatchValue["path"]): PathMatch {
  const trimmed = type === "PathPrefix" && value.length > 1 ? value.replace(/\/$/, "") : value;
  return { type: PATH_TYPES[type], value: trimmed };
}

/** Of entries with equivalent names only the first is considered, as the specification has it. */
function firstOfEachName(
  entries: RouteMatchValue["headers"],
  canonical: (name: string) => string,
): ValueMatch[] {
  const byName = new Map<string, ValueMatch>();
  for (const { type, name, value } of entries) {
    const key = canonical(name);
    if (!byName.has(key)) byName.set(key, { type: VALUE_TYPES[type], name: key, value });
  }
  return [...byName.values()];
}
