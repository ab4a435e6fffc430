// Tells a peer that is slow from one that only holds its place: bytes per second over a window of time.

export class Pace {
  #bytes = 0;
  #sinceMs = 0;

  /** A window begins. `bytes`: the count so far, of which only the growth matters. */
  restart(bytes: number, nowMs: number): void {
    this.#bytes = bytes;
    this.#sinceMs = nowMs;
  }

  /** A window has passed with fewer than `minRate` bytes a second; the next one begins. */
  isTooSlow(bytes: number, nowMs: number, windowMs: number, minRate: number): boolean {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs <= windowMs) return false;
    const isTooSlow = (bytes - this.#bytes) * 1000 < minRate * passedMs;
    this.restart(bytes, nowMs);
    return isTooSlow;
  }
}
