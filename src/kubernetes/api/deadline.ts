// A moment by which something has to have happened, that can be put off; it ends what waits through an abort signal.
import type { Clock } from "../clock.ts";
import { ApiError } from "./client.ts";

export class Deadline {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #delayMs: number;
  #missed: ApiError;
  #beganMs: number;
  #cancel: () => void;
  #reason: ApiError | undefined;

  /**
   * @param missed what is said when it passes
   * @param outer ends it as well
   */
  constructor(clock: Clock, delayMs: number, missed: ApiError, outer?: AbortSignal) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#missed = missed;
    this.#outer = outer;
    this.#beganMs = clock.monotonicMs();
    this.#cancel = clock.after(delayMs, this.#ring);
    if (outer?.aborted) this.#giveUp();
    else outer?.addEventListener("abort", this.#giveUp);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Set once it has ended what waited. */
  get reason(): ApiError | undefined {
    return this.#reason;
  }

  /** From now on the whole time again. The timer is left alone, since this may be called thousands of times a second. */
  extend(): void {
    this.#beganMs = this.#clock.monotonicMs();
  }

  /** What had to happen has; the next thing has its own time. */
  replace(delayMs: number, missed: ApiError): void {
    this.#cancel();
    this.#delayMs = delayMs;
    this.#missed = missed;
    this.extend();
    this.#cancel = this.#clock.after(delayMs, this.#ring);
  }

  end(): void {
    this.#cancel();
    this.#outer?.removeEventListener("abort", this.#giveUp);
  }

  readonly #ring = (): void => {
    const leftMs = this.#beganMs + this.#delayMs - this.#clock.monotonicMs();
    // Timers may ring a moment early.
    if (leftMs > 1) this.#cancel = this.#clock.after(leftMs, this.#ring);
    else this.#stop(this.#missed);
  };

  readonly #giveUp = (): void => {
    this.#stop(new ApiError("given up", { status: 0, cause: this.#outer?.reason }));
  };

  #stop(reason: ApiError): void {
    this.#reason ??= reason;
    this.#abort.abort(this.#reason);
  }
}
