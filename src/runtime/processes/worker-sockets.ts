// The sockets that workers share: who accepts on which of them, while sockets and workers come and go.
import type { WorkerCommand } from "./messages.ts";
import { askEach, type PoolWorker } from "./pool-worker.ts";
import { socketShares } from "./socket-shares.ts";
import { WorkerRefusal } from "./worker-process.ts";

export type OnRefused = (bindKey: string, error: WorkerRefusal) => void;

/** Resolves once the worker has done it, or false where nobody waits for it any longer. Rejects as `request` does. */
export type Ask = (worker: PoolWorker, command: WorkerCommand, handle?: object) => Promise<boolean>;

export class WorkerSockets {
  readonly #workers: number;
  readonly #ask: Ask;
  /** By bind key; who accepts on which of them, `socketShares` says. */
  readonly #handles = new Map<string, readonly object[]>();
  /** The numbers of the sockets that a worker accepts on, by bind key. */
  readonly #accepting = new Map<PoolWorker, Map<string, Set<number>>>();

  /** @param workers how many there are to be */
  constructor(workers: number, ask: Ask) {
    this.#workers = workers;
    this.#ask = ask;
  }

  /** One or more for a bind key; workers accept on them once they are shared out. */
  add(sockets: ReadonlyMap<string, readonly object[]>): void {
    for (const [bindKey, handles] of sockets) this.#handles.set(bindKey, handles);
  }

  /** The worker is gone. */
  forget(worker: PoolWorker): void {
    this.#accepting.delete(worker);
  }

  /** Sees to it that each worker accepts on its share: first all new ones accept, then others stop. */
  async share(serving: ReadonlySet<PoolWorker>, onRefused: OnRefused): Promise<void> {
    const numbers = Array.from(serving, ({ worker }) => worker).sort((a, b) => a - b);
    const shares = new Map(
      [...this.#handles].map(([key, handles]) => [key, socketShares(handles.length, numbers, this.#workers)]),
    );
    await askEach(serving, async (worker) => {
      for (const [bindKey, handles] of this.#handles) {
        const accepting = this.#acceptingOn(worker, bindKey);
        for (const number of shares.get(bindKey)?.get(worker.worker) ?? []) {
          if (accepting.has(number)) continue;
          accepting.add(number);
          const command = { kind: "listen", bindKey, number } as const;
          const isDone = await this.#ask(worker, command, handles[number]).catch((error: Error) => {
            if (!(error instanceof WorkerRefusal)) throw error;
            accepting.delete(number);
            onRefused(bindKey, error);
            return true;
          });
          if (!isDone) return;
        }
      }
    });
    await askEach(serving, async (worker) => {
      for (const bindKey of this.#handles.keys()) {
        const accepting = this.#acceptingOn(worker, bindKey);
        const share = shares.get(bindKey)?.get(worker.worker) ?? [];
        for (const number of [...accepting].filter((one) => !share.includes(one))) {
          accepting.delete(number);
          if (!(await this.#ask(worker, { kind: "release", bindKey, number }))) return;
        }
      }
    });
  }

  /** Nobody accepts there any more. */
  async remove(bindKeys: readonly string[], serving: ReadonlySet<PoolWorker>): Promise<void> {
    for (const bindKey of bindKeys) this.#handles.delete(bindKey);
    await askEach(serving, async (worker) => {
      for (const bindKey of bindKeys) this.#accepting.get(worker)?.delete(bindKey);
      await Promise.all(bindKeys.map((bindKey) => this.#ask(worker, { kind: "unlisten", bindKey })));
    });
  }

  #acceptingOn(worker: PoolWorker, bindKey: string): Set<number> {
    const byKey = this.#accepting.get(worker) ?? new Map<string, Set<number>>();
    const accepting = byKey.get(bindKey) ?? new Set();
    this.#accepting.set(worker, byKey.set(bindKey, accepting));
    return accepting;
  }
}
