// Envoy's retry budget, a share of what is under way at a moment, as the budget over a time that Limpet keeps.
import type { z } from "zod";
import type { RetryBudget } from "../../model/index.ts";
import { checked } from "../schema/fields.ts";

/** Over which requests are counted: the default of Gateway API's `retryConstraint`. */
const INTERVAL_MS = 10_000;
const MINIMUM_INTERVAL_MS = 1000;

/** A budget of Envoy, with the finding that it is kept in another way. */
export function concurrentBudget<S extends z.ZodType>(schema: S): S {
  return checked(schema, () => ({
    code: "field-approximated",
    severity: "warning",
    message: "retries are a share of the requests of the last seconds, not of those under way at a moment",
    expected: "a budget over a time",
    hint: "use an XBackendTrafficPolicy with retryConstraint to say over which",
  }));
}

/** `minimum`: retries that Envoy lets be under way at any time; here, that may begin in a second. */
export function retryBudgetOverTime(
  percent: number,
  minimum: number,
  intervalMs: number = INTERVAL_MS,
): RetryBudget {
  return { percent, intervalMs, minimum: { count: minimum, intervalMs: MINIMUM_INTERVAL_MS } };
}
