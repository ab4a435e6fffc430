// HTTPRoute: the fields of the route and its rules; their parts have files of their own beside this one.
import { z } from "zod";
import {
  checked,
  duration,
  durationMs,
  type FieldProblem,
  ignored,
  repeatedNames,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { backendRefSchema } from "./backend-ref.ts";
import { filtersSchema } from "./filters.ts";
import { GATEWAY_GROUP, hostname } from "./names.ts";
import { parentRefsSchema } from "./parent-ref.ts";
import { routeMatchSchema } from "./route-match.ts";
import { sessionPersistence } from "./session-persistence.ts";

const timeouts = checked(
  z.strictObject({ request: duration.optional(), backendRequest: duration.optional() }),
  ({ request, backendRequest }) => {
    if (request === undefined || backendRequest === undefined || durationMs(request) === 0) return undefined;
    if (durationMs(backendRequest) <= durationMs(request)) return undefined;
    return rule({
      path: ["backendRequest"],
      message: "backendRequest is longer than request",
      expected: `at most ${request}`,
      hint: `write backendRequest: ${request}`,
    });
  },
);

const retry = z.strictObject({
  codes: z.array(z.int().min(400).max(599)).optional(),
  attempts: z.int().optional(),
  backoff: duration.optional(),
});

const ruleSchema = checked(
  z.strictObject({
    name: sectionName.optional(),
    matches: z.array(routeMatchSchema).max(64).default([]),
    filters: filtersSchema,
    backendRefs: z.array(backendRefSchema).max(16).default([]),
    timeouts: ignored(
      timeouts,
      "timeouts of a rule are not honoured yet",
      "use the flags --upstream-connect-timeout and --upstream-response-timeout, which apply to all rules",
    ),
    retry: ignored(
      retry,
      "retries of a rule are not honoured yet",
      "remove retry; a request that never reached an endpoint is tried again anyway",
    ),
    sessionPersistence: sessionPersistence.optional(),
  }),
  ({ filters, backendRefs }) => {
    const redirect = filters.findIndex(({ type }) => type === "RequestRedirect");
    if (redirect < 0 || backendRefs.length === 0) return undefined;
    return rule({
      path: ["filters", redirect],
      message: "a rule cannot both redirect and have backendRefs",
      expected: "either RequestRedirect or backendRefs",
      hint: "remove one of the two",
    });
  },
);

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
