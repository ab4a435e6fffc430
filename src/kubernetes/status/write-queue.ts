// Keeps writes to the API server in bounds: each object once, urgent ones first, a few at a time, and again after a failure.
import type { Clock } from "../clock.ts";

export interface WriteLimits {
  readonly inFlight: number;
  /** On average. */
  readonly perSecond: number;
  /** At once, after a quiet time. */
  readonly burst: number;
}

/**
 * What is in flight is the bound that counts: a slow API server is asked less. A write costs an API server some 5 ms of CPU,
 * so the rate leaves it most of a core where thousands of objects are new; a thousand changes at once wait for nothing.
 */
export const WRITE_LIMITS: WriteLimits = { inFlight: 8, perSecond: 200, burst: 1000 };

export interface WriteQueueOptions {
  readonly limits: WriteLimits;
  readonly clock: Clock;
  /** Writes what is to be written by then. A rejection brings the key back. */
  readonly write: (key: string, signal: AbortSignal) => Promise<void>;
  /** How long to wait after the `attempt`th failure in a row (from 1). */
  readonly delayMs: (error: unknown, attempt: number) => number;
}

interface Delayed {
  readonly urgency: number;
  readonly cancel: () => void;
}

/** Keys are added as often as their objects change; what is written is what is so when the write begins. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  /** By urgency, in the order in which they came. */
  readonly #waiting = new Map<number, Set<string>>();
  readonly #inFlight = new Map<string, AbortController>();
  /** Urgency of keys that changed while they were written. */
  readonly #again = new Map<string, number>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #tokens: number;
  #filledMs: number;
  #cancelRefill: (() => void) | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#tokens = options.limits.burst;
    this.#filledMs = options.clock.monotonicMs();
  }

  /** How many keys are not written yet. */
  get size(): number {
    let waiting = 0;
    for (const keys of this.#waiting.values()) waiting += keys.size;
    return waiting + this.#inFlight.size + this.#delayed.size;
  }

  /** Its write is still to come, so that adding it would change nothing. */
  waits(key: string): boolean {
    if (this.#delayed.has(key)) return true;
    for (const keys of this.#waiting.values()) if (keys.has(key)) return true;
    return false;
  }

  /** @param urgency 0 is written first. A key that waits after a failure goes on waiting. */
  add(key: string, urgency: number): void {
    if (this.#inFlight.has(key)) {
      this.#again.set(key, urgency);
      return;
    }
    if (this.#delayed.has(key)) return;
    this.#enqueue(key, urgency);
    this.#pump();
  }

  /** Forgets all keys, and gives up what is being written. */
  clear(): void {
    for (const abort of this.#inFlight.values()) abort.abort();
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#cancelRefill?.();
    this.#cancelRefill = undefined;
    for (const known of [this.#inFlight, this.#delayed, this.#waiting, this.#again, this.#failures])
      known.clear();
  }

  #enqueue(key: string, urgency: number): void {
    const keys = this.#waiting.get(urgency) ?? new Set();
    this.#waiting.set(urgency, keys.add(key));
  }

  #pump(): void {
    while (this.#inFlight.size < this.#options.limits.inFlight) {
      const next = this.#next();
      if (next === undefined || !this.#takeToken()) return;
      this.#waiting.get(next.urgency)?.delete(next.key);
      void this.#run(next.key, next.urgency);
    }
  }

  #next(): { key: string; urgency: number } | undefined {
    for (const urgency of [...this.#waiting.keys()].sort((a, b) => a - b)) {
      const [key] = this.#waiting.get(urgency) ?? [];
      if (key !== undefined) return { key, urgency };
    }
    return undefined;
  }

  #takeToken(): boolean {
    const { clock, limits } = this.#options;
    const nowMs = clock.monotonicMs();
    const filled = this.#tokens + ((nowMs - this.#filledMs) / 1000) * limits.perSecond;
    this.#tokens = Math.min(limits.burst, filled);
    this.#filledMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens--;
      return true;
    }
    this.#cancelRefill ??= clock.after(((1 - this.#tokens) / limits.perSecond) * 1000, () => {
      this.#cancelRefill = undefined;
      this.#pump();
    });
    return false;
  }

  async #run(key: string, urgency: number): Promise<void> {
    const abort = new AbortController();
    this.#inFlight.set(key, abort);
    const failure = await this.#options.write(key, abort.signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // Given up, and perhaps begun anew, meanwhile.
    if (this.#inFlight.get(key) !== abort) return;
    this.#inFlight.delete(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (failure !== undefined) this.#retryLater(key, again ?? urgency, failure.error);
    else {
      this.#failures.delete(key);
      if (again !== undefined) this.#enqueue(key, again);
    }
    this.#pump();
  }

  #retryLater(key: string, urgency: number, error: unknown): void {
    const { clock, delayMs } = this.#options;
    const attempt = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, attempt);
    const cancel = clock.after(delayMs(error, attempt), () => {
      this.#delayed.delete(key);
      this.#enqueue(key, urgency);
      this.#pump();
    });
    this.#delayed.set(key, { urgency, cancel });
  }
}
