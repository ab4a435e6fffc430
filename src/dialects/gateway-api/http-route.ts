// HTTPRoute: the fields of the route and its rules; their parts have files of their own beside this one.
import { z } from "zod";
import { checked, type FieldProblem, ignored, repeatedNames, rule, sectionName } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { retrySchema, timeoutsSchema } from "./attempts.ts";
import { type BackendRefValue, backendRefSchema } from "./backend-ref.ts";
import { type FiltersValue, filtersSchema, prefixEdits } from "./filters.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";
import { parentRefsSchema } from "./parent-ref.ts";
import { type RouteMatchValue, routeMatchSchema } from "./route-match.ts";
import { sessionPersistence } from "./session-persistence.ts";

const ruleSchema = checked(
  z.strictObject({
    name: sectionName.optional(),
    matches: z.array(routeMatchSchema).max(64).default([]),
    filters: filtersSchema,
    backendRefs: z.array(backendRefSchema).max(16).default([]),
    timeouts: timeoutsSchema.optional(),
    retry: retrySchema.optional(),
    sessionPersistence: sessionPersistence.optional(),
  }),
  (value) => [...redirectOrForward(value), ...prefixFromOneMatch(value)],
);

interface RuleParts {
  readonly matches: readonly RouteMatchValue[];
  readonly filters: FiltersValue;
  readonly backendRefs: readonly BackendRefValue[];
}

function redirectOrForward({ filters, backendRefs }: RuleParts): FieldProblem[] {
  const redirect = filters.findIndex(({ type }) => type === "RequestRedirect");
  if (redirect < 0 || backendRefs.length === 0) return [];
  return [
    rule({
      path: ["filters", redirect],
      message: "a rule cannot both redirect and have backendRefs",
      expected: "either RequestRedirect or backendRefs",
      hint: "remove one of the two",
    }),
  ];
}

/** Which prefix is replaced must be clear; a rule without matches has the prefix /. */
function prefixFromOneMatch({ matches, filters, backendRefs }: RuleParts): FieldProblem[] {
  if (matches.length <= 1 && (matches[0]?.path.type ?? "PathPrefix") === "PathPrefix") return [];
  const ofRule = prefixEdits(filters).map((path) => ["filters", ...path]);
  const ofBackends = backendRefs.flatMap(({ filters }, index) =>
    prefixEdits(filters).map((path) => ["backendRefs", index, "filters", ...path]),
  );
  return [...ofRule, ...ofBackends].map((path) =>
    rule({
      path,
      message: "replacePrefixMatch needs a rule with exactly one match, of type PathPrefix",
      expected: "one match of type PathPrefix",
      hint: "give each match a rule of its own, or write type: ReplaceFullPath",
    }),
  );
}

export type RuleValue = z.output<typeof ruleSchema>;

const MAX_MATCHES = 128;

function rulesTogether(rules: readonly RuleValue[]): FieldProblem[] {
  const problems = repeatedNames(rules, "rules");
  const matches = rules.reduce((sum, { matches }) => sum + matches.length, 0);
  if (matches > MAX_MATCHES) {
    problems.push(
      rule({
        message: `the rules have ${matches} matches together`,
        expected: `at most ${MAX_MATCHES}`,
        hint: "split the route into several",
      }),
    );
  }
  return problems;
}

/** What the CRD takes for a rule without matches, and a route without rules: every request. */
const EVERY_REQUEST = { path: { type: "PathPrefix", value: "/" } } as const;

export const HTTP_ROUTE = defineKind(
  { group: GATEWAY_GROUP, kind: "HTTPRoute", versions: ["v1", "v1beta1"] },
  {
    spec: z.strictObject({
      parentRefs: parentRefsSchema,
      hostnames: z.array(hostname).max(16).default([]),
      rules: checked(z.array(ruleSchema).min(1).max(16), rulesTogether).prefault([
        { matches: [EVERY_REQUEST] },
      ]),
      useDefaultGateways: ignored(
        z.string(),
        "default Gateways are not served",
        "name the Gateway in parentRefs",
      ),
    }),
  },
);

export type HttpRouteReading = Reading<ValueOf<typeof HTTP_ROUTE>>;
