// Lets clients who have sent many requests at once take turns, and nobody else wait for all of them.

/** Of one time around the event loop: the rest of it belongs to those who send one request at a time. */
export const TURNS_MS = 2;

export interface TakesTurns {
  takeTurn(): void;
}

export class TurnQueue {
  readonly #monotonicMs: () => number;
  #waiting: TakesTurns[] = [];
  /** Those before it have had their turn. */
  #at = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Its turn comes behind those who wait already, never from within this call. */
  add(one: TakesTurns): void {
    if (this.#waiting.push(one) === 1) setImmediate(() => this.#run());
  }

  #run(): void {
    const waiting = this.#waiting;
    const end = waiting.length;
    const endMs = this.#monotonicMs() + TURNS_MS;
    try {
      do {
        (waiting[this.#at++] as TakesTurns).takeTurn();
      } while (this.#at < end && this.#monotonicMs() < endMs);
    } finally {
      this.#waiting = waiting.slice(this.#at);
      this.#at = 0;
      if (this.#waiting.length > 0) setImmediate(() => this.#run());
    }
  }
}
