// What becomes of writes: counted by kind, and told in the log once for each sort of failure.
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import { ApiError } from "../api/client.ts";

export type WriteOutcome = "written" | "conflict" | "refused" | "failed";

export class WriteOutcomes {
  readonly #logger: Logger;
  readonly #counts = new Map<string, { kind: string; result: WriteOutcome; value: number }>();
  /** By kind: statuses of answers that were complained about since the last write that went well. */
  readonly #complaints = new Map<string, Set<number>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param kind as in `httproutes.gateway.networking.k8s.io` */
  written(kind: string): void {
    this.#count(kind, "written");
    this.#complaints.delete(kind);
  }

  refused(kind: string, object: string, error: Error): void {
    this.#count(kind, "refused");
    const fields = { kind, object, reason: error.message };
    this.#logger.error(fields, "the API server takes no such status; it is left as it is");
  }

  failed(kind: string, error: Error): void {
    const status = error instanceof ApiError ? error.status : 0;
    this.#count(kind, status === 409 ? "conflict" : "failed");
    if (status === 409) return;
    const told = this.#complaints.get(kind) ?? new Set();
    const level = told.has(status) ? "debug" : "warn";
    this.#complaints.set(kind, told.add(status));
    this.#logger[level]({ kind, reason: error.message }, "a status could not be written; it is tried again");
  }

  samples(): MetricSample[] {
    return [...this.#counts.values()].map(({ kind, result, value }) => {
      return { name: "limpet_kubernetes_status_writes_total", labels: { kind, result }, value };
    });
  }

  #count(kind: string, result: WriteOutcome): void {
    const key = `${kind} ${result}`;
    const known = this.#counts.get(key) ?? { kind, result, value: 0 };
    known.value++;
    this.#counts.set(key, known);
  }
}
