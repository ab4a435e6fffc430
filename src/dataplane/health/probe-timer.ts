// The time that an endpoint has to answer a check, in which this process has to get to its work too.

/** Later than that, the process did something else for a while: it translated a large configuration, say. */
const LATE_MS = 20;

/** Rings once, unless it is stopped before. */
export class ProbeTimer {
  readonly #timeoutMs: number;
  readonly #onTimeout: () => void;
  #isSecond = false;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.#dueMs = performance.now() + this.#timeoutMs;
    this.#timer = setTimeout(() => this.#ring(), this.#timeoutMs);
  }

  /** Where it is late, answers may lie unread, or questions unsent: the endpoint has its time once more. */
  #ring(): void {
    if (this.#isSecond || performance.now() - this.#dueMs <= LATE_MS) {
      this.#onTimeout();
      return;
    }
    this.#isSecond = true;
    this.#start();
  }
}
