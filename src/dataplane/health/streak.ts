// A sequence of successes and failures, compressed to what a threshold of consecutive failures asks about.

/** Plain data: it crosses process borders. */
export interface Streak {
  /** Failures before the first success; all of them where there was none. */
  lead: number;
  /** Failures after the last success. */
  last: number;
  /** The longest run of failures anywhere. */
  longest: number;
  /** There was a success. */
  broken: boolean;
}

export function newStreak(): Streak {
  return { lead: 0, last: 0, longest: 0, broken: false };
}

export function addFailure(streak: Streak): void {
  streak.last += 1;
  if (!streak.broken) streak.lead = streak.last;
  if (streak.last > streak.longest) streak.longest = streak.last;
}

export function addSuccess(streak: Streak): void {
  streak.broken = true;
  streak.last = 0;
}

/** A run of consecutive failures, counted over streaks that follow one another. */
export class FailureRun {
  #length = 0;

  /**
   * True once for a streak in which the run reached the threshold; it begins anew behind it, as in Envoy. A threshold
   * of 0 is never reached.
   */
  reaches(streak: Streak, threshold: number): boolean {
    const joined = this.#length + streak.lead;
    this.#length = streak.broken ? streak.last : joined;
    const isReached = threshold > 0 && Math.max(joined, streak.longest) >= threshold;
    if (isReached) this.#length %= threshold;
    return isReached;
  }

  reset(): void {
    this.#length = 0;
  }
}
