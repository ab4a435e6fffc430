// HTTPRoute filters on rules and backendRefs: header modifiers are served, every other filter answers 500.
import { z } from "zod";
import type { Filter, HeaderEdit } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { checked, type FieldProblem, fieldName, repeatedNames, rule } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";

const headerValue = z.string().min(1).max(4096);

const headers = checked(z.array(z.strictObject({ name: fieldName, value: headerValue })).max(16), (entries) =>
  repeatedNames(entries, "headers"),
).default([]);

const headerModifier = z.strictObject({
  set: headers,
  add: headers,
  remove: z.array(fieldName).max(16).default([]),
});

/** Filter type -> its field. Every type of the specification, so that each of them is told from a misspelt one. */
const FIELD_OF_TYPE = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  CORS: "cors",
  ExternalAuth: "externalAuth",
  ExtensionRef: "extensionRef",
} as const;

type FilterType = keyof typeof FIELD_OF_TYPE;

const unread = z.looseObject({}).optional();

const filter = checked(
  z.strictObject({
    type: z.enum(Object.keys(FIELD_OF_TYPE) as [FilterType, ...FilterType[]]),
    requestHeaderModifier: headerModifier.optional(),
    responseHeaderModifier: headerModifier.optional(),
    requestMirror: unread,
    requestRedirect: unread,
    urlRewrite: unread,
    cors: unread,
    externalAuth: unread,
    extensionRef: unread,
  }),
  fieldsFitType,
);

function fieldsFitType(
  value: { readonly type: FilterType } & Readonly<Record<string, unknown>>,
): FieldProblem[] {
  const wanted = FIELD_OF_TYPE[value.type];
  const problems = Object.values(FIELD_OF_TYPE)
    .filter((field) => field !== wanted && value[field] !== undefined)
    .map((field) =>
      rule({
        path: [field],
        message: `${field} may not stand in a filter of type ${value.type}`,
        expected: `only ${wanted} beside the type`,
        hint: `remove ${field}, or put it in a filter of its own type`,
      }),
    );
  if (value[wanted] === undefined) {
    problems.push(
      rule({
        absent: [wanted],
        message: `a filter of type ${value.type} needs ${wanted}`,
        expected: wanted,
        hint: `add ${wanted}`,
      }),
    );
  }
  return problems;
}

const ONCE: readonly FilterType[] = [
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestRedirect",
  "URLRewrite",
  "CORS",
];

/** The list of filters, with the CRD's rules between them. */
export const filtersSchema = checked(z.array(filter).max(16), (filters) => {
  const problems: FieldProblem[] = [];
  for (const type of ONCE) {
    const indices = [...filters.keys()].filter((index) => filters[index]?.type === type);
    for (const index of indices.slice(1)) {
      problems.push(
        rule({
          path: [index],
          message: `the filter ${type} stands here more than once`,
          expected: `at most one filter of type ${type}`,
          hint: "merge them into one",
        }),
      );
    }
  }
  const rewrite = filters.findIndex(({ type }) => type === "URLRewrite");
  if (rewrite >= 0 && filters.some(({ type }) => type === "RequestRedirect")) {
    problems.push(
      rule({
        path: [rewrite],
        message: "a request cannot be both rewritten and redirected",
        expected: "either URLRewrite or RequestRedirect",
        hint: "remove one of the two filters",
      }),
    );
  }
  return problems;
}).default([]);

export type FiltersValue = z.output<typeof filtersSchema>;

const SERVED: readonly FilterType[] = ["RequestHeaderModifier", "ResponseHeaderModifier"];

export interface CompiledFilters {
  readonly filters: readonly Filter[];
  /** Index of the filters that are not served: the specification wants 500 from their rule. */
  readonly unserved: readonly number[];
}

export function compileFilters(filters: FiltersValue): CompiledFilters {
  const compiled: Filter[] = [];
  const unserved: number[] = [];
  for (const [index, entry] of filters.entries()) {
    if (entry.requestHeaderModifier !== undefined && entry.type === "RequestHeaderModifier") {
      compiled.push({ kind: "requestHeaders", edit: headerEdit(entry.requestHeaderModifier) });
    } else if (entry.responseHeaderModifier !== undefined && entry.type === "ResponseHeaderModifier") {
      compiled.push({ kind: "responseHeaders", edit: headerEdit(entry.responseHeaderModifier) });
    } else if (!SERVED.includes(entry.type)) unserved.push(index);
  }
  return { filters: compiled, unserved };
}

/** A finding for each filter that is not served; `path` is that of the list. */
export function unservedFilters(
  reading: Reading,
  filters: FiltersValue,
  path: FieldPath,
  unserved: readonly number[],
): FindingDraft[] {
  return unserved.map((index) =>
    draftFinding("filter-not-served", reading.object, reading.writtenPath([...path, index]), {
      message: `the filter ${filters[index]?.type} is not served yet, so its rule answers 500`,
      expected: SERVED.join(" or "),
      hint: "remove the filter to have the rule served without it",
    }),
  );
}

function headerEdit({ set, add, remove }: z.output<typeof headerModifier>): HeaderEdit {
  return { set, add, remove };
}
