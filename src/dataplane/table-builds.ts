// Builds hash tables that requests wait for, each once, however many wait.
import type { PendingTable } from "../affinity/decision.ts";
import type { Clock } from "./clock.ts";
import { runInSlices } from "./slices.ts";

export interface TableWaiter {
  onTableReady(): void;
  onTableFailed(cause: unknown): void;
}

const NOTHING = () => {};

function rethrow(cause: unknown): void {
  throw cause;
}

export class TableBuilds {
  readonly #clock: Clock;
  readonly #waiting = new Map<PendingTable, Set<TableWaiter>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells the waiter when the table is there, never from within this call. */
  wait(table: PendingTable, waiter: TableWaiter): void {
    const waiters = this.#waiting.get(table);
    if (waiters !== undefined) {
      waiters.add(waiter);
      return;
    }
    this.#waiting.set(table, new Set([waiter]));
    const work = {
      // Nobody waits any more: the next request that needs the table goes on where this one stopped.
      step: (shouldYield: () => boolean) => this.#waiting.get(table)?.size === 0 || table.step(shouldYield),
    };
    runInSlices(
      work,
      this.#clock,
      () => this.#tell(table, (one) => one.onTableReady()),
      (cause) => this.#tell(table, (one) => one.onTableFailed(cause)),
    );
  }

  /** The waiter's client went away. */
  leave(waiter: TableWaiter): void {
    for (const waiters of this.#waiting.values()) waiters.delete(waiter);
  }

  /** In slices too: thousands may have waited, and what each of them does next takes its time. */
  #tell(table: PendingTable, tell: (waiter: TableWaiter) => void): void {
    const waiters = this.#waiting.get(table);
    if (waiters === undefined || waiters.size === 0) {
      this.#waiting.delete(table);
      return;
    }
    const telling = {
      step: (shouldYield: () => boolean) => {
        for (const waiter of waiters) {
          waiters.delete(waiter);
          tell(waiter);
          if (shouldYield()) break;
        }
        if (waiters.size > 0) return false;
        this.#waiting.delete(table);
        return true;
      },
    };
    runInSlices(telling, this.#clock, NOTHING, rethrow);
  }
}
