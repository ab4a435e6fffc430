// `retry` and `timeouts` of a kgateway TrafficPolicy: its fields, and what they mean for a rule.
import { z } from "zod";
import type { Retry } from "../../model/index.ts";
import { positive } from "../envoy-fields.ts";
import { retryCondition, retryOf } from "../envoy-retry.ts";
import { checked, duration, durationMs, ignored, rule } from "../schema/fields.ts";

const CONDITIONS = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
] as const;

const time = positive(duration, durationMs);

export const retrySchema = checked(
  z.strictObject({
    retryOn: z.array(retryCondition(CONDITIONS)).min(1).optional(),
    attempts: z.int().min(0).default(1),
    perTryTimeout: time.optional(),
    statusCodes: z.array(z.int().min(400).max(599)).min(1).optional(),
    backoffBaseInterval: time.default("25ms"),
    retryHostPredicates: ignored(
      z.array(z.enum(["PreviousHosts", "OmitCanaryHosts"])).min(1),
      "a retry goes to an endpoint that was not tried, as long as there is one",
      "remove retryHostPredicates",
    ),
  }),
  ({ retryOn, statusCodes }) => {
    if (retryOn !== undefined || statusCodes !== undefined) return undefined;
    return rule({
      absent: ["retryOn", "statusCodes"],
      message: "there is nothing to retry on",
      expected: "retryOn or statusCodes",
      hint: "add retryOn: [connect-failure]",
    });
  },
);

export type RetryValue = z.output<typeof retrySchema>;

export function compileRetry(value: RetryValue): Retry {
  const { retryOn = [], statusCodes = [], perTryTimeout } = value;
  return retryOf({
    attempts: value.attempts,
    conditions: [...retryOn, "retriable-status-codes"],
    statusCodes,
    baseBackoffMs: durationMs(value.backoffBaseInterval),
    attemptTimeoutMs: perTryTimeout === undefined ? undefined : durationMs(perTryTimeout),
  });
}

export const timeoutsSchema = z.strictObject({
  request: duration.optional(),
  streamIdle: ignored(
    duration,
    "how long an endpoint may be silent is the same for all routes",
    "use the flag --upstream-response-timeout",
  ),
});
