// A worker as the pool knows it, and how several of them are asked for one thing.
import { WorkerGone, type WorkerProcess } from "./worker-process.ts";

/** A WorkerProcess, or a test's stand-in. */
export type PoolWorker = Pick<
  WorkerProcess,
  "worker" | "pid" | "exited" | "startedMs" | "version" | "request" | "kill"
>;

/** All at once. One that dies meanwhile is no failure: its replacement gets everything when its turn comes. */
export async function askEach(
  workers: Iterable<PoolWorker>,
  work: (worker: PoolWorker) => Promise<void>,
): Promise<void> {
  const all = Array.from(workers, async (worker) => {
    try {
      await work(worker);
    } catch (error) {
      if (!(error instanceof WorkerGone)) throw error;
    }
  });
  await Promise.all(all);
}
