// `retry` of a BackendTrafficPolicy: its fields, and when the requests of a rule are sent again.
import { z } from "zod";
import type { Retry } from "../../model/index.ts";
import { retryCondition, retryOf } from "../envoy-retry.ts";
import { checked, duration, durationMs, type FieldProblem, ignored, rule } from "../schema/fields.ts";

const TRIGGERS = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
] as const;

const retryOn = checked(
  z.strictObject({
    triggers: z.array(retryCondition(TRIGGERS)).default([]),
    httpStatusCodes: z.array(z.int().min(100).max(599)).default([]),
  }),
  ({ triggers, httpStatusCodes }) => {
    if (httpStatusCodes.length === 0 || triggers.length === 0) return undefined;
    if (triggers.includes("retriable-status-codes")) return undefined;
    return rule({
      severity: "warning",
      path: ["httpStatusCodes"],
      message: "the status codes count only where retriable-status-codes is among the triggers",
      expected: "triggers with retriable-status-codes",
      hint: "add retriable-status-codes to triggers",
    });
  },
);

const backOff = checked(
  z.strictObject({ baseInterval: duration.optional(), maxInterval: duration.optional() }),
  ({ baseInterval, maxInterval }) => {
    const problems: FieldProblem[] = [];
    for (const [field, value] of Object.entries({ baseInterval, maxInterval })) {
      if (value === undefined || durationMs(value) > 0) continue;
      const message = `${field} is 0`;
      problems.push({ path: [field], message, expected: "a time above 0", hint: `write ${field}: 25ms` });
    }
    if (baseInterval === undefined || maxInterval === undefined) return problems;
    if (durationMs(maxInterval) >= durationMs(baseInterval)) return problems;
    const message = "the longest wait is shorter than the first";
    const hint = `write maxInterval: ${baseInterval} or longer`;
    return [
      ...problems,
      rule({ path: ["maxInterval"], message, expected: `at least ${baseInterval}`, hint }),
    ];
  },
);

export const retrySchema = z.strictObject({
  numRetries: z.int().min(0).default(2),
  numAttemptsPerPriority: ignored(
    z.int().min(0),
    "endpoints have no priorities: a retry goes to another endpoint of the backend",
    "remove numAttemptsPerPriority",
  ),
  retryOn: retryOn.optional(),
  perRetry: z.strictObject({ timeout: duration.optional(), backOff: backOff.optional() }).optional(),
});

/** What Envoy Gateway writes where no triggers are given. */
const DEFAULT_TRIGGERS = ["connect-failure", "refused-stream", "retriable-status-codes"];
const DEFAULT_STATUS_CODES = [503];

export function compileRetry({ numRetries, retryOn, perRetry }: z.output<typeof retrySchema>): Retry {
  const { timeout, backOff = {} } = perRetry ?? {};
  const triggers = retryOn?.triggers ?? [];
  return retryOf({
    attempts: numRetries,
    conditions: triggers.length === 0 ? DEFAULT_TRIGGERS : triggers,
    statusCodes: retryOn?.httpStatusCodes ?? DEFAULT_STATUS_CODES,
    attemptTimeoutMs: timeout === undefined ? undefined : durationMs(timeout),
    baseBackoffMs: backOff.baseInterval === undefined ? undefined : durationMs(backOff.baseInterval),
    maxBackoffMs: backOff.maxInterval === undefined ? undefined : durationMs(backOff.maxInterval),
  });
}
