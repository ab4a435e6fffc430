// Time as the controller's parts meet it: an argument, so that tests decide how it passes, and differently for each replica.

export interface Clock {
  /** Wall clock: for what is written down. It may jump. */
  nowMs(): number;
  /** For what is waited for: it never jumps, and where it begins means nothing. */
  monotonicMs(): number;
  /** Calls back once, `delayMs` from now; not at all once what it answers was called. */
  after(delayMs: number, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
