// Acts when changes have come to rest, or have gone on for long enough, and never twice at a time.
import type { Clock } from "./clock.ts";

export interface SettlingOptions {
  /** No change for so long: they have come to rest. */
  readonly quietMs: number;
  /** From the first change on, whether they rest or not. */
  readonly longestMs: number;
  /** Must not reject. The next time comes no sooner than it took. */
  readonly act: () => Promise<void>;
  readonly clock: Clock;
}

export class Settling {
  readonly #options: SettlingOptions;
  /** When the first change came that nobody acted on yet; undefined: there is none. */
  #firstMs: number | undefined;
  #lastMs = 0;
  /** Not before. */
  #earliestMs = Number.NEGATIVE_INFINITY;
  #acting = false;
  #stopped = false;
  #cancel: (() => void) | undefined;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#lastMs = this.#options.clock.monotonicMs();
    if (this.#firstMs !== undefined) return;
    this.#firstMs = this.#lastMs;
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** A timer runs exactly while there is a change and nobody acts. */
  #wait(): void {
    if (this.#firstMs === undefined || this.#acting || this.#stopped) return;
    const dueMs = this.#dueMs(this.#firstMs);
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => {
      // Later changes did not move the timer: this is where they count.
      if (clock.monotonicMs() < this.#dueMs(this.#firstMs as number)) this.#wait();
      else void this.#act();
    });
  }

  #dueMs(firstMs: number): number {
    const { quietMs, longestMs } = this.#options;
    return Math.max(this.#earliestMs, Math.min(this.#lastMs + quietMs, firstMs + longestMs));
  }

  async #act(): Promise<void> {
    const { act, clock } = this.#options;
    const startMs = clock.monotonicMs();
    this.#firstMs = undefined;
    this.#acting = true;
    await act();
    const endMs = clock.monotonicMs();
    this.#earliestMs = endMs + (endMs - startMs);
    this.#acting = false;
    this.#wait();
  }
}
