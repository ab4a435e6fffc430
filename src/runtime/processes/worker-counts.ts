// What workers have counted, kept beyond their lives: a counter that goes back would look like traffic that never was.
import { addCounts, METRICS, type MetricSample } from "../../telemetry/index.ts";

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(METRICS).map(([name, kind]) => [name, kind.type]),
);

export class WorkerCounts {
  readonly #living = new Map<number, readonly MetricSample[]>();
  /** Counters and histograms of workers that are gone, as they were last told, summed. */
  readonly #buried = new Map<string, MetricSample>();

  update(worker: number, samples: readonly MetricSample[]): void {
    this.#living.set(worker, samples);
  }

  /** The worker is gone: what it counted stays, what it held (its gauges) goes with it. */
  bury(worker: number): void {
    for (const sample of this.#living.get(worker) ?? []) {
      if (TYPES.get(sample.name) === "gauge") continue;
      const key = JSON.stringify([sample.name, sample.labels]);
      const known = this.#buried.get(key);
      this.#buried.set(key, known === undefined ? sample : sumOf(known, sample));
    }
    this.#living.delete(worker);
  }

  /** Several of one name and the same labels are to be summed. */
  samples(): readonly MetricSample[] {
    return [...this.#buried.values(), ...[...this.#living.values()].flat()];
  }
}

function sumOf(a: MetricSample, b: MetricSample): MetricSample {
  const value = a.value + b.value;
  if (a.histogram === undefined || b.histogram === undefined) return { ...a, value };
  return { ...a, value, histogram: addCounts(a.histogram, b.histogram) };
}
