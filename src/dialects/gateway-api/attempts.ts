// Timeouts and retries of a rule: the fields, and what they become together with what policies say.
import { z } from "zod";
import type { Retry, Rule, RuleTimeouts } from "../../model/index.ts";
import { RETRY_BACKOFF_GROWTH, RETRY_BASE_BACKOFF_MS } from "../envoy-defaults.ts";
import type { RouteSettings } from "../policies/attachment.ts";
import { checked, duration, durationMs, repeatedValues, rule } from "../schema/fields.ts";

export const timeoutsSchema = checked(
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

export const retrySchema = z.strictObject({
  codes: checked(z.array(z.int().min(400).max(599)), repeatedValues).default([]),
  /** 0: nothing is tried again, whatever policies say. */
  attempts: z.int().min(0).optional(),
  backoff: duration.optional(),
});

/** GEP-1731 leaves it to the gateway; Envoy's `RetryPolicy.num_retries` is 1. */
const DEFAULT_ATTEMPTS = 1;

/**
 * GEP-1731: wherever `retry` stands, errors of the connection and timeouts of an attempt count too. `backoff` is the
 * least there is between attempts; Envoy's grow up to ten times the base.
 */
function retryOf({ codes, attempts = DEFAULT_ATTEMPTS, backoff }: z.output<typeof retrySchema>): Retry {
  const minBackoffMs = backoff === undefined ? undefined : durationMs(backoff);
  const baseBackoffMs = minBackoffMs ?? RETRY_BASE_BACKOFF_MS;
  return {
    attempts,
    statusCodes: [...codes].sort((a, b) => a - b),
    onConnectionError: true,
    onTimeout: true,
    baseBackoffMs,
    maxBackoffMs: baseBackoffMs * RETRY_BACKOFF_GROWTH,
    ...(minBackoffMs === undefined ? {} : { minBackoffMs }),
  };
}

export interface AttemptsValue {
  readonly timeouts?: z.output<typeof timeoutsSchema> | undefined;
  readonly retry?: z.output<typeof retrySchema> | undefined;
}

/** What the rule says itself goes before what policies say, each of the timeouts on its own. */
export function attemptsOf(value: AttemptsValue, policies: RouteSettings): Pick<Rule, "timeouts" | "retry"> {
  const timeouts = limits({ ...policies.timeouts, ...timeoutsOf(value.timeouts ?? {}) });
  const retry = value.retry === undefined ? policies.retry : retryOf(value.retry);
  return {
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(retry === undefined || retry.attempts === 0 ? {} : { retry }),
  };
}

function timeoutsOf({ request, backendRequest }: z.output<typeof timeoutsSchema>): RuleTimeouts {
  return {
    ...(request === undefined ? {} : { requestMs: durationMs(request) }),
    ...(backendRequest === undefined ? {} : { backendRequestMs: durationMs(backendRequest) }),
  };
}

/** A timeout of 0 is none. */
function limits({ requestMs = 0, backendRequestMs = 0 }: RuleTimeouts): RuleTimeouts | undefined {
  if (requestMs === 0 && backendRequestMs === 0) return undefined;
  return {
    ...(requestMs === 0 ? {} : { requestMs }),
    ...(backendRequestMs === 0 ? {} : { backendRequestMs }),
  };
}
