// What a BackendTrafficPolicy says of connections to endpoints: limits, timeouts, PROXY protocol, slow start.
import { z } from "zod";
import type { BackendLimits, RetryBudget } from "../../model/index.ts";
import {
  CIRCUIT_BREAKER_LIMIT,
  RETRY_BUDGET_MINIMUM,
  SLOW_START_AGGRESSION,
  SLOW_START_MIN_WEIGHT_PERCENT,
} from "../envoy-defaults.ts";
import { idleTimeout, positive } from "../envoy-fields.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import { concurrentBudget, retryBudgetOverTime } from "../policies/retry-budget.ts";
import { checked, duration, durationMs, ignored, rule } from "../schema/fields.ts";
import { count } from "./fields.ts";
import type { healthCheckSchema } from "./health-check.ts";
import { healthSettings } from "./health-check.ts";
import type { loadBalancerSchema } from "./load-balancer.ts";

const limit = count.default(CIRCUIT_BREAKER_LIMIT);

const percent = checked(
  z.strictObject({ numerator: count, denominator: count.min(1).default(100) }),
  ({ numerator, denominator }) => {
    if (numerator <= denominator) return undefined;
    return rule({
      path: ["numerator"],
      message: `${numerator} of ${denominator} is more than all`,
      expected: `at most ${denominator}`,
      hint: `write numerator: ${denominator}`,
    });
  },
);

const budget = concurrentBudget(
  z.strictObject({ percent, minRetryConcurrency: count.default(RETRY_BUDGET_MINIMUM) }),
);

export const circuitBreakerSchema = z.strictObject({
  maxConnections: limit,
  maxPendingRequests: limit,
  maxParallelRequests: limit,
  maxParallelRetries: limit,
  maxRequestsPerConnection: count.default(0),
  perEndpoint: ignored(
    z.strictObject({ maxConnections: limit }),
    "connections are limited over all endpoints of a backend, not for each",
    "use maxConnections",
  ),
  retryBudget: budget.optional(),
});

const elsewhere = (what: string, hint: string) => ignored(duration, what, hint);

export const timeoutSchema = z.strictObject({
  tcp: z.strictObject({ connectTimeout: positive(duration, durationMs).optional() }).optional(),
  http: z
    .strictObject({
      connectionIdleTimeout: idleTimeout(duration, durationMs),
      maxConnectionDuration: elsewhere(
        "connections to endpoints are not closed because of their age",
        "remove maxConnectionDuration, or use circuitBreaker.maxRequestsPerConnection",
      ),
      requestTimeout: duration.optional(),
      maxStreamDuration: elsewhere("streams have no timeout of their own", "use requestTimeout"),
      streamIdleTimeout: elsewhere(
        "how long an endpoint may be silent is the same for all backends",
        "use the flag --upstream-response-timeout",
      ),
    })
    .optional(),
});

export const proxyProtocolSchema = z.strictObject({ version: z.enum(["V1", "V2"]) });

interface ClusterSettings {
  readonly loadBalancer?: z.output<typeof loadBalancerSchema> | undefined;
  readonly healthCheck?: z.output<typeof healthCheckSchema> | undefined;
  readonly circuitBreaker?: z.output<typeof circuitBreakerSchema> | undefined;
  readonly timeout?: z.output<typeof timeoutSchema> | undefined;
  readonly proxyProtocol?: z.output<typeof proxyProtocolSchema> | undefined;
}

export function clusterSettings(value: ClusterSettings): BackendSettings {
  const { loadBalancer, healthCheck, circuitBreaker, timeout, proxyProtocol } = value;
  const idleMs = durationMs(timeout?.http?.connectionIdleTimeout ?? "0s");
  const connectTimeout = timeout?.tcp?.connectTimeout;
  return {
    ...(healthCheck === undefined ? {} : healthSettings(healthCheck)),
    ...(circuitBreaker === undefined ? {} : breakers(circuitBreaker)),
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: durationMs(connectTimeout) }),
    ...(idleMs === 0 ? {} : { idleTimeoutMs: idleMs }),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol: proxyProtocol.version === "V1" ? "v1" : "v2" }),
    ...(loadBalancer?.slowStart === undefined ? {} : { slowStart: slowStart(loadBalancer.slowStart.window) }),
  };
}

function slowStart(window: string) {
  return {
    windowMs: durationMs(window),
    aggression: SLOW_START_AGGRESSION,
    minWeightPercent: SLOW_START_MIN_WEIGHT_PERCENT,
  };
}

/** A budget takes the place of the limit of retries. */
function breakers(value: z.output<typeof circuitBreakerSchema>): {
  limits: BackendLimits;
  retryBudget?: RetryBudget;
} {
  const { maxConnections, maxPendingRequests, maxRequestsPerConnection: uses, retryBudget } = value;
  const limits = {
    maxConnections,
    maxPendingRequests,
    maxRequests: value.maxParallelRequests,
    ...(uses === 0 ? {} : { maxRequestsPerConnection: uses }),
  };
  if (retryBudget === undefined) return { limits: { ...limits, maxRetries: value.maxParallelRetries } };
  const { numerator, denominator } = retryBudget.percent;
  const share = (100 * numerator) / denominator;
  return { limits, retryBudget: retryBudgetOverTime(share, retryBudget.minRetryConcurrency) };
}
