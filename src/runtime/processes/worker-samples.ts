// What is measured of workers: what they count, asked of each, and who of them answers.
import { setTimeout as delay } from "node:timers/promises";
import type { MetricSample } from "../../telemetry/index.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { WorkerCounts } from "./worker-counts.ts";

const ANSWER_TIMEOUT_MS = 2_000;

export class WorkerSamples {
  readonly #counts = new WorkerCounts();

  /** @param numbers of the workers that there are to be */
  async gather(serving: readonly PoolWorker[], numbers: readonly number[]): Promise<readonly MetricSample[]> {
    const answered = new Set<number>();
    await Promise.all(
      serving.map(async (worker) => {
        if (await this.#ask(worker)) answered.add(worker.worker);
      }),
    );
    return [
      ...this.#counts.samples(),
      ...serving.map((worker) => ({
        name: "limpet_worker_snapshot_version",
        labels: { worker: String(worker.worker) },
        value: worker.version,
      })),
      ...numbers.map((worker) => ({
        name: "limpet_worker_up",
        labels: { worker: String(worker) },
        value: answered.has(worker) ? 1 : 0,
      })),
    ];
  }

  /** The worker of this number is gone; what it counted stays. */
  bury(worker: number): void {
    this.#counts.bury(worker);
  }

  /** One that does not answer in time counts with its last answer. */
  #ask(worker: PoolWorker): Promise<boolean> {
    const answer = worker.request({ kind: "stats" }).then(
      (samples) => {
        this.#counts.update(worker.worker, samples);
        return true;
      },
      () => false,
    );
    return Promise.race([answer, delay(ANSWER_TIMEOUT_MS, false, { ref: false })]);
  }
}
