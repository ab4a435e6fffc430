// How long to wait after failures: twice as long after each, and spread at random, so that many who failed together do not come back together.
import { ApiError } from "./api/client.ts";
import type { Clock } from "./clock.ts";

export interface WaitLimits {
  /** After the first failure. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const LIMITS: WaitLimits = { firstMs: 500, lastMs: 30_000 };

/**
 * How long to wait with what the API server refused, or did not answer: half of what the limits say at least, so that it
 * has a rest, and as long as it asks for itself (`Retry-After`).
 *
 * @param failures in a row, from 1
 */
export function retryDelayMs(
  error: unknown,
  failures: number,
  limits: WaitLimits,
  random: () => number,
): number {
  const askedMs = (error instanceof ApiError ? error.retryAfterMs : undefined) ?? 0;
  return Math.max(askedMs, (longestWaitMs(failures, limits) * (1 + random())) / 2);
}

function longestWaitMs(failures: number, { firstMs, lastMs }: WaitLimits): number {
  return Math.min(firstMs * 2 ** (failures - 1), lastMs);
}

/** With full jitter: for the many who ask one server. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure; anything from nothing to twice as much as the last time, up to 30 s. */
  nextMs(): number {
    this.#failures += 1;
    return this.#random() * longestWaitMs(this.#failures, LIMITS);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** Resolves after that time, or as soon as `signal` aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener("abort", end);
  });
}
