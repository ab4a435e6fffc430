// How long to wait after failures: exponential with full jitter, so that many who failed together do not come back together.
import type { Clock } from "../clock.ts";

const FIRST_MS = 500;
const MAX_MS = 30_000;

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
    const upToMs = Math.min(FIRST_MS * 2 ** this.#failures, MAX_MS);
    this.#failures += 1;
    return this.#random() * upToMs;
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
