// HTTPRoute filters on rules and backendRefs: the list, the CRD's rules between its filters, and what they become.
import { z } from "zod";
import type { Filter } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { checked, type FieldProblem, rule } from "../schema/fields.ts";
import type { Reading } from "../schema/read-object.ts";
import { fieldsFitType } from "../schema/union.ts";
import { cors, corsFilter } from "./filters/cors.ts";
import { headerEdit, headerModifier } from "./filters/header-modifier.ts";
import { mirror, requestMirror } from "./filters/request-mirror.ts";
import { redirect, requestRedirect } from "./filters/request-redirect.ts";
import { rewrite, urlRewrite } from "./filters/url-rewrite.ts";
import type { References } from "./follow-references.ts";

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

type FilterValue = z.output<typeof filter>;

/** Of types that are not served: their rules answer 500, whatever stands there. */
const unread = z.looseObject({}).optional();

const filter = checked(
  z.strictObject({
    type: z.enum(Object.keys(FIELD_OF_TYPE) as [FilterType, ...FilterType[]]),
    requestHeaderModifier: headerModifier.optional(),
    responseHeaderModifier: headerModifier.optional(),
    requestMirror: requestMirror.optional(),
    requestRedirect: requestRedirect.optional(),
    urlRewrite: urlRewrite.optional(),
    cors: corsFilter.optional(),
    externalAuth: unread,
    extensionRef: unread,
  }),
  (value) => fieldsFitType(value, FIELD_OF_TYPE, "a filter"),
);

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

/** Paths, from the list, of the edits that need the rule's prefix. */
export function prefixEdits(filters: FiltersValue): FieldPath[] {
  return filters.flatMap(({ type, requestRedirect, urlRewrite }, index) => {
    const value =
      type === "URLRewrite" ? urlRewrite : type === "RequestRedirect" ? requestRedirect : undefined;
    return value?.path?.type === "ReplacePrefixMatch" ? [[index, FIELD_OF_TYPE[type], "path"]] : [];
  });
}

export interface CompiledFilters {
  /** In the order in which they stand. */
  readonly filters: readonly Filter[];
  /** One of them is not served: the specification wants 500 from the rule, or from the reference. */
  readonly unserved: boolean;
  readonly findings: readonly FindingDraft[];
}

/** `path` is that of the list; `prefix` the value of the rule's only path match, if that is one by prefix. */
export function compileFilters(
  reading: Reading,
  values: FiltersValue,
  path: FieldPath,
  prefix: string | undefined,
  references: References,
): CompiledFilters {
  const filters: Filter[] = [];
  const findings: FindingDraft[] = [];
  for (const [index, value] of values.entries()) {
    const at = [...path, index];
    if (NOT_SERVED.includes(value.type)) findings.push(notServed(reading, value.type, at));
    const compiled = compileFilter(value, at, prefix, references);
    if (compiled !== undefined) filters.push(compiled);
  }
  return { filters, unserved: findings.length > 0, findings };
}

/** Undefined for what is in error, is not served, or mirrors to nowhere. */
function compileFilter(
  { type, ...value }: FilterValue,
  path: FieldPath,
  prefix: string | undefined,
  references: References,
): Filter | undefined {
  if (type === "RequestHeaderModifier" && value.requestHeaderModifier !== undefined) {
    return { kind: "requestHeaders", edit: headerEdit(value.requestHeaderModifier) };
  }
  if (type === "ResponseHeaderModifier" && value.responseHeaderModifier !== undefined) {
    return { kind: "responseHeaders", edit: headerEdit(value.responseHeaderModifier) };
  }
  if (type === "RequestRedirect" && value.requestRedirect !== undefined) {
    return { kind: "redirect", redirect: redirect(value.requestRedirect, prefix) };
  }
  if (type === "URLRewrite" && value.urlRewrite !== undefined) return rewrite(value.urlRewrite, prefix);
  if (type === "CORS" && value.cors !== undefined) return { kind: "cors", cors: cors(value.cors) };
  if (type === "RequestMirror" && value.requestMirror !== undefined) {
    const { requestMirror } = value;
    const resolved = references.follow(requestMirror.backendRef, [...path, "requestMirror", "backendRef"]);
    return resolved === undefined ? undefined : mirror(requestMirror, resolved.id);
  }
  return undefined;
}

const NOT_SERVED: readonly FilterType[] = ["ExternalAuth", "ExtensionRef"];

function notServed(reading: Reading, type: FilterType, path: FieldPath): FindingDraft {
  const served = Object.keys(FIELD_OF_TYPE).filter((one) => !NOT_SERVED.includes(one as FilterType));
  return draftFinding("filter-not-served", reading.object, reading.writtenPath(path), {
    message: `the filter ${type} is not served, so what it stands at answers 500`,
    expected: `one of ${served.join(", ")}`,
    hint: "remove the filter to be served without it",
  });
}
