// What the admin port of a running gateway shows: readiness, metrics, the snapshot, drains and explanations.
import type { Explanation } from "../inspect/explanation.ts";
import type { Finding } from "../model/index.ts";
import { ProcessVitals, renderMetrics } from "../telemetry/index.ts";
import type { AdminSources } from "./admin-server.ts";
import type { ConfigurationSource } from "./configuration-source.ts";
import type { ConfigurationStore } from "./configuration-store.ts";
import type { DrainDesk } from "./drain-desk.ts";
import { Explainer } from "./explain/explainer.ts";
import { type QuestionTexts, readQuestion } from "./explain/question.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { LiveConfiguration } from "./live-configuration.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { WorkerPool } from "./processes/worker-pool.ts";
import type { RunOptions } from "./run-options.ts";
import type { SessionKeyStore } from "./session-key-store.ts";

/** A bound address and what is behind it: a listener's id, or `admin`. */
export interface ServedAddress {
  readonly name: string;
  readonly address: string;
}

export interface GatewayParts {
  readonly options: Pick<RunOptions, "dataplane" | "portOffset">;
  readonly source: Pick<ConfigurationSource, "samples">;
  readonly store: Pick<ConfigurationStore<unknown>, "current">;
  readonly live: LiveConfiguration;
  readonly workers: Pick<WorkerPool, "samples" | "pids">;
  readonly metrics: GatewayMetrics;
  readonly sessionKeys: SessionKeyStore | undefined;
  readonly drains: DrainDesk;
  readonly ready: () => boolean;
  readonly addresses: () => readonly ServedAddress[];
  /** Those of the configuration as it was read last, which one that was refused makes others than those of the snapshot. */
  readonly findings: () => readonly Finding[];
}

export class GatewayPages implements AdminSources {
  readonly #parts: GatewayParts;
  readonly #vitals = new ProcessVitals("primary");
  /** Made with the first question. */
  #explainer: Explainer | undefined;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  get drains(): DrainDesk {
    return this.#parts.drains;
  }

  ready(): boolean {
    return this.#parts.ready();
  }

  /** Shared by all who ask at a time: anybody in a cluster may, and each time every worker stops to count. */
  readonly metrics = oneAtATime(() => this.#metrics());

  async #metrics(): Promise<string> {
    const { metrics, source, store, live, sessionKeys, workers } = this.#parts;
    return renderMetrics([
      ...metrics.samples(store.current, live.snapshot, Date.now()),
      ...this.#vitals.samples(),
      ...live.samples(),
      ...source.samples(),
      ...(sessionKeys?.samples() ?? []),
      ...(await workers.samples()),
    ]);
  }

  snapshot(): unknown {
    const { store, live, workers, addresses, findings } = this.#parts;
    const { current } = store;
    return {
      version: live.snapshot.version,
      loadedAt: current === undefined ? null : new Date(current.loadedAtMs).toISOString(),
      addresses: addresses(),
      workers: workers.pids(),
      snapshot: current === undefined ? null : live.snapshot,
      statuses: current?.statuses ?? [],
      findings: findings(),
    };
  }

  /** Here and not in a worker: the primary has the same snapshot and keys, and carries no traffic. */
  async explain(texts: QuestionTexts): Promise<Explanation> {
    const { live, sessionKeys } = this.#parts;
    const { dataplane, portOffset } = this.#parts.options;
    const question = readQuestion(texts, dataplane.maxHeaders);
    this.#explainer ??= new Explainer({ dataplane, portOffset }, Math.random);
    const { snapshot } = live;
    // Health checks and workers must not wait for it.
    await this.#explainer.prepare(question, snapshot);
    const keys = sessionKeys?.current?.ring;
    return this.#explainer.explain(question, { snapshot, keys, nowMs: Date.now() });
  }
}
