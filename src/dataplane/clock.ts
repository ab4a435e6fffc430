// The two clocks of the data plane, as an argument: wall time for sessions and logs, monotonic time for durations.

export interface Clock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Milliseconds since any fixed moment; never goes back. */
  monotonicMs(): number;
}

export const SYSTEM_CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
