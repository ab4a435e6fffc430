// Reloads one after the other: as many as are needed and no more, and again what failed.
import { retryWaitMs } from "./retry-wait.ts";

export interface ReloadTurnsOptions {
  /** Rejects where what was read is not served, though nothing is wrong with it. */
  readonly reload: () => Promise<void>;
  readonly onFailed: (error: Error) => void;
}

export class ReloadTurns {
  readonly #options: ReloadTurnsOptions;
  #last: Promise<void> = Promise.resolve();
  /** The one that has not begun yet: it will read whatever there is by then. */
  #next: Promise<void> | undefined;
  #hasBegun = false;
  #isAskedFor = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReloadTurnsOptions) {
    this.#options = options;
  }

  /** Something is served, and can be replaced. */
  begin(): void {
    this.#hasBegun = true;
    if (this.#isAskedFor) void this.ask();
  }

  /** Resolves when a reload is over that began after this call. Before `begin` it is put off until then. Never rejects. */
  ask(): Promise<void> {
    if (!this.#hasBegun) {
      this.#isAskedFor = true;
      return Promise.resolve();
    }
    this.#next ??= this.#take();
    return this.#next;
  }

  /** Resolves when none is under way. */
  get rest(): Promise<void> {
    return this.#last;
  }

  /** None begins any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #take(): Promise<void> {
    const turn = this.#last.then(async () => {
      this.#next = undefined;
      clearTimeout(this.#timer);
      if (this.#stopped) return;
      try {
        await this.#options.reload();
        this.#failures = 0;
      } catch (error) {
        this.#options.onFailed(error as Error);
        this.#retryLater();
      }
    });
    this.#last = turn;
    return turn;
  }

  #retryLater(): void {
    if (this.#stopped) return;
    const waitMs = retryWaitMs(this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.ask(), waitMs);
  }
}
