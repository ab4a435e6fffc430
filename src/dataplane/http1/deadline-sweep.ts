// One coarse timer per worker that asks every open connection, a few times a second, whether it waits for too long.
import type { Clock } from "../clock.ts";

/** Something that can wait for too long. */
export interface Swept {
  /** Compares the time with its own stamps; both come from the same sweep. */
  sweep(nowMs: number): void;
  /** Bytes that it keeps in memory for a peer that is slow; absent: none of its own. */
  readonly heldBytes?: number;
}

/** How often connections are looked at: a timeout fires late by twice this at most, and never early. */
export const SWEEP_INTERVAL_MS = 250;

/** Connections stamp what they wait for with a plain number and arm no timer: a request costs no timer at all. */
export class DeadlineSweep {
  /** The time of the last look, monotonic: never later than the real time. */
  nowMs: number;
  /** At the last look all together held more bytes than they may. */
  overloaded = false;
  /** What they held then. */
  heldBytes = 0;
  readonly #clock: Clock;
  readonly #maxHeldBytes: number;
  readonly #intervalMs: number;
  readonly #swept = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  /** @param maxHeldBytes what those who are swept may hold together before the worker is overloaded */
  constructor(
    clock: Clock,
    maxHeldBytes: number = Number.POSITIVE_INFINITY,
    intervalMs: number = SWEEP_INTERVAL_MS,
  ) {
    this.#clock = clock;
    this.#maxHeldBytes = maxHeldBytes;
    this.#intervalMs = intervalMs;
    this.nowMs = clock.monotonicMs();
  }

  /** What a wait that begins now is stamped with: never earlier than the real time, so that no timeout is early. */
  get stampMs(): number {
    return this.nowMs + this.#intervalMs;
  }

  /** The real time, for what is shorter than a look. */
  get monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Wall time, milliseconds since 1970. */
  get wallMs(): number {
    return this.#clock.wallMs();
  }

  add(connection: Swept): void {
    this.#swept.add(connection);
    if (this.#timer === undefined) {
      this.nowMs = this.#clock.monotonicMs();
      this.#timer = setInterval(() => this.run(), this.#intervalMs).unref();
    }
  }

  delete(connection: Swept): void {
    this.#swept.delete(connection);
    if (this.#swept.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.overloaded = false;
      this.heldBytes = 0;
    }
  }

  /** Looks at every connection now; the timer calls it, and so do tests with a clock of their own. */
  run(): void {
    this.nowMs = this.#clock.monotonicMs();
    let heldBytes = 0;
    for (const connection of this.#swept) {
      connection.sweep(this.nowMs);
      heldBytes += connection.heldBytes ?? 0;
    }
    this.heldBytes = heldBytes;
    this.overloaded = heldBytes > this.#maxHeldBytes;
  }
}
