// What happened to every request, and which losses HTTP allows: everything else is a defect of the gateway.

/**
 * How long after a worker's death its clients may learn of it: the kernel tells them at once, but the machine may be busy.
 */
const NEWS_MS = 3_000;
const KEPT_FAILURES = 50;

/** An exchange that did not come to its end. */
export interface Loss {
  readonly kind: string;
  /** The system's code, or what was wrong with the answer. */
  readonly reason: string;
  /** The connection broke; otherwise an answer came, and it was wrong. */
  readonly broken: boolean;
  /** May be sent again: idempotent, and no byte of the response had come. */
  readonly repeatable: boolean;
  /** When its connection was opened, milliseconds since 1970. */
  readonly openedMs: number;
}

export class Ledger {
  readonly done: Record<string, number> = {};
  /** Lost with a worker that was killed, as it must be: not to be repeated, or begun already. */
  readonly lostWithWorkers: Record<string, number> = {};
  /** Lost with a worker that was killed, and sent again by the client. */
  readonly repeated: Record<string, number> = {};
  readonly failures: string[] = [];
  #failed = 0;
  readonly #killsMs: number[] = [];

  get failed(): number {
    return this.#failed;
  }

  get kills(): number {
    return this.#killsMs.length;
  }

  workerKilled(): void {
    this.#killsMs.push(Date.now());
  }

  succeeded(kind: string): void {
    this.done[kind] = (this.done[kind] ?? 0) + 1;
  }

  /**
   * What the client is to do about a loss: send it again, or go on with the next. A connection that was opened after the
   * last worker died has nothing to fear, and one that was opened before only for a moment.
   */
  lost(loss: Loss): "repeat" | "go on" {
    const nowMs = Date.now();
    const excused =
      loss.broken && this.#killsMs.some((killMs) => loss.openedMs <= killMs && nowMs - killMs < NEWS_MS);
    if (!excused) {
      this.fail(loss.kind, loss.reason);
      return "go on";
    }
    const counts = loss.repeatable ? this.repeated : this.lostWithWorkers;
    counts[loss.kind] = (counts[loss.kind] ?? 0) + 1;
    return loss.repeatable ? "repeat" : "go on";
  }

  fail(kind: string, reason: string): void {
    this.#failed += 1;
    const lastKillMs = this.#killsMs.at(-1);
    const since = lastKillMs === undefined ? "" : `, ${Date.now() - lastKillMs} ms after the last kill`;
    if (this.failures.length < KEPT_FAILURES) this.failures.push(`${kind}: ${reason}${since}`);
  }
}
