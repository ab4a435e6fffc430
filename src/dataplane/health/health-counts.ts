// What checks and ejections add up to, for the metrics.
import type { MetricSample } from "../../telemetry/metrics.ts";
import type { EjectionReason } from "./outlier-detector.ts";

interface Counts {
  passed: number;
  failed: number;
  overflows: number;
  readonly ejections: Map<EjectionReason, number>;
}

export class HealthCounts {
  readonly #byBackend = new Map<string, Counts>();

  check(backend: string, isPassed: boolean): void {
    this.#of(backend)[isPassed ? "passed" : "failed"] += 1;
  }

  /** The total of a backend so far. */
  overflows(backend: string, total: number): void {
    this.#of(backend).overflows = total;
  }

  ejection(backend: string, reason: EjectionReason): void {
    const { ejections } = this.#of(backend);
    ejections.set(reason, (ejections.get(reason) ?? 0) + 1);
  }

  samples(): MetricSample[] {
    return [...this.#byBackend].flatMap(([backend, { passed, failed, overflows, ejections }]) => [
      { name: "limpet_health_checks_total", labels: { backend, result: "passed" }, value: passed },
      { name: "limpet_health_checks_total", labels: { backend, result: "failed" }, value: failed },
      { name: "limpet_ejections_prevented_total", labels: { backend }, value: overflows },
      ...[...ejections].map(([reason, value]) => ({
        name: "limpet_ejections_total",
        labels: { backend, reason },
        value,
      })),
    ]);
  }

  #of(backend: string): Counts {
    let counts = this.#byBackend.get(backend);
    if (counts === undefined) {
      counts = { passed: 0, failed: 0, overflows: 0, ejections: new Map() };
      this.#byBackend.set(backend, counts);
    }
    return counts;
  }
}
