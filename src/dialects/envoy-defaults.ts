// Values that Envoy 1.40 uses where a configuration says nothing; the dialects that rest on Envoy inherit them.
import type { OutlierDetection } from "../model/index.ts";

/** Envoy `ring_hash.v3.RingHash.minimum_ring_size`, entries. */
export const RING_MINIMUM_SIZE = 1024;
/** Envoy `ring_hash.v3.RingHash.maximum_ring_size`, entries; also the largest value that either may have. */
export const RING_MAXIMUM_SIZE = 8_388_608;
/** Envoy `maglev.v3.Maglev.table_size`, entries. */
export const MAGLEV_TABLE_SIZE = 65_537;

/** Envoy `CircuitBreakers.Thresholds`: connections, pending requests and requests alike. */
export const CIRCUIT_BREAKER_LIMIT = 1024;
/** Envoy `CircuitBreakers.Thresholds.max_retries`. */
export const CIRCUIT_BREAKER_RETRIES = 3;

/** Envoy `RetryPolicy.RetryBackOff.base_interval`. */
export const RETRY_BASE_BACKOFF_MS = 25;
/** Envoy `RetryPolicy.RetryBackOff.max_interval`, as a multiple of the base interval. */
export const RETRY_BACKOFF_GROWTH = 10;

/** Envoy `SlowStartConfig.aggression`: linear. */
export const SLOW_START_AGGRESSION = 1;
/** Envoy `SlowStartConfig.min_weight_percent`. */
export const SLOW_START_MIN_WEIGHT_PERCENT = 10;

/** Envoy `RetryBudget`: percent of active requests, and so many retries whatever the requests. */
export const RETRY_BUDGET_PERCENT = 20;
export const RETRY_BUDGET_MINIMUM = 3;

/** Envoy `OutlierDetection.max_ejection_time`, unless the base time is longer. */
const MAX_EJECTION_MS = 300_000;

/**
 * Envoy's outlier detection where a message says only this much. What finds outliers by gateway errors or by the
 * percentage of failures is off in Envoy until it is enforced; success rates are compared unless that is switched off.
 */
export function outlierDetection(said: Partial<OutlierDetection>): OutlierDetection {
  const baseEjectionMs = said.baseEjectionMs ?? 30_000;
  return {
    consecutive5xx: 5,
    consecutiveGatewayErrors: 0,
    consecutiveLocalErrors: 5,
    splitLocalErrors: false,
    intervalMs: 10_000,
    baseEjectionMs,
    maxEjectionMs: Math.max(baseEjectionMs, MAX_EJECTION_MS),
    maxEjectionPercent: 10,
    ...said,
  };
}

/** Envoy `OutlierDetection.success_rate_*`. */
export const SUCCESS_RATE = { minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 };

/** Envoy `OutlierDetection.failure_percentage_*`. */
export function failurePercentage(thresholdPercent: number) {
  return { thresholdPercent, minimumHosts: 5, requestVolume: 50 };
}
