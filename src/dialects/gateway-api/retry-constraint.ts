// `retryConstraint` (GEP-3388): which share of a backend's requests may be retries.
import { z } from "zod";
import type { RetryBudget } from "../../model/index.ts";
import { checked, duration, durationMs } from "../schema/fields.ts";

const HOUR_MS = 3_600_000;

/** Of the specification; `minRetryRate` too has them field by field, though its CRD fills in only the whole. */
const DEFAULT_BUDGET = { percent: 20, interval: "10s" } as const;
const DEFAULT_MINIMUM = { count: 10, interval: "1s" } as const;

function intervalFrom(shortestMs: number, shortest: string) {
  return checked(duration, (value) => {
    const intervalMs = durationMs(value);
    if (intervalMs >= shortestMs && intervalMs <= HOUR_MS) return undefined;
    const message = intervalMs > HOUR_MS ? `${value} is longer than an hour` : `${value} is too short`;
    return { message, expected: `${shortest}, and at most 1h`, hint: "write for example 10s" };
  });
}

export const retryConstraint = z.strictObject({
  budget: z
    .strictObject({
      percent: z.int().min(0).max(100).default(DEFAULT_BUDGET.percent),
      interval: intervalFrom(1000, "at least 1s").default(DEFAULT_BUDGET.interval),
    })
    .prefault({}),
  minRetryRate: z
    .strictObject({
      count: z.int().min(1).max(1_000_000).default(DEFAULT_MINIMUM.count),
      interval: intervalFrom(1, "more than 0s").default(DEFAULT_MINIMUM.interval),
    })
    .prefault({}),
});

export function retryBudget({ budget, minRetryRate }: z.output<typeof retryConstraint>): RetryBudget {
  return {
    percent: budget.percent,
    intervalMs: durationMs(budget.interval),
    minimum: { count: minRetryRate.count, intervalMs: durationMs(minRetryRate.interval) },
  };
}
