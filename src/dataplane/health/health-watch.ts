// Who of the endpoints may serve: active checks and outlier detection of all backends, run once, in the primary.
import type { Backend } from "../../model/index.ts";
import type { MetricSample } from "../../telemetry/metrics.ts";
import { MAX_DELAY_MS } from "../alarms.ts";
import type { CheckState } from "./check-progress.ts";
import { CheckedEndpoint } from "./checked-endpoint.ts";
import { HealthCounts } from "./health-counts.ts";
import type { Observation } from "./observation.ts";
import { type EjectionChange, OutlierDetector } from "./outlier-detector.ts";
import type { ProbeConnections, ProbeOutcome } from "./probe.ts";

/** What speaks against an endpoint. `pending`: it has checks, and none is through yet. */
export type Verdict = "pending" | "failed" | "ejected";

export interface HealthLogger {
  info(details: object, message: string): void;
  debug(details: object, message: string): void;
}

export interface HealthWatchOptions {
  readonly connections: ProbeConnections;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: HealthLogger;
  /** The verdict about some endpoint of this backend is another one. */
  readonly onChange: (backend: string) => void;
}

interface Watched {
  backend: Backend;
  /** By address; empty where there are no checks. */
  readonly checked: Map<string, CheckedEndpoint>;
  detector: OutlierDetector | undefined;
  timer: NodeJS.Timeout | undefined;
  intervalMs: number;
}

export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #backends = new Map<string, Watched>();
  readonly #counts = new HealthCounts();
  /** Endpoints without a first result. */
  readonly #pending = new Set<CheckedEndpoint>();
  /** Told when there are none of them any more. */
  #waiting: (() => void)[] = [];

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /**
   * Watches a backend, whose endpoints are all there are: what names resolve to among them. Endpoints that stay keep
   * what was found out about them.
   * @param keepOthers endpoints that it had before and has no longer are watched on, until the next call without it
   */
  watch(backend: Backend, keepOthers = false): void {
    const hasChecks = (backend.healthChecks?.length ?? 0) > 0;
    const known = this.#backends.get(backend.id);
    if (!hasChecks && backend.outlierDetection === undefined) {
      if (known !== undefined && !keepOthers) this.drop(backend.id);
      return;
    }
    const watched = known ?? newWatched(backend);
    watched.backend = backend;
    this.#backends.set(backend.id, watched);
    this.#follow(watched, backend, keepOthers);
    if (hasChecks || !keepOthers) this.#check(watched, backend, keepOthers);
  }

  /** The backend is gone. */
  drop(id: string): void {
    const watched = this.#backends.get(id);
    if (watched === undefined) return;
    clearInterval(watched.timer);
    for (const checked of watched.checked.values()) this.#stop(checked);
    this.#backends.delete(id);
  }

  /** Drops all other backends: a configuration is in place as a whole. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of [...this.#backends.keys()]) if (!ids.has(id)) this.drop(id);
    this.#options.connections.update([...this.#backends.values()].map(({ backend }) => backend));
  }

  stop(): void {
    this.retain(new Set());
  }

  /** Undefined: nothing speaks against it. */
  verdict(backend: Backend, address: string): Verdict | undefined {
    const watched = this.#backends.get(backend.id);
    const hasChecks = (backend.healthChecks?.length ?? 0) > 0;
    const state = hasChecks ? (watched?.checked.get(address)?.state ?? "pending") : "passing";
    if (state === "failing") return "failed";
    if (backend.outlierDetection !== undefined && watched?.detector?.isEjected(address)) return "ejected";
    return state === "pending" ? "pending" : undefined;
  }

  /** Resolves once every endpoint has a first result, or the time is over. */
  settled(withinMs: number): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** What a worker saw. */
  observe(observations: readonly Observation[]): void {
    const nowMs = this.#options.monotonicMs();
    for (const observation of observations) {
      const detector = this.#backends.get(observation.backend)?.detector;
      const change = detector?.observe(observation, nowMs);
      if (change !== undefined) this.#tellEjection(observation.backend, change);
    }
  }

  samples(): MetricSample[] {
    for (const [id, { detector }] of this.#backends) {
      if (detector !== undefined) this.#counts.overflows(id, detector.overflows);
    }
    return this.#counts.samples();
  }

  #follow(watched: Watched, backend: Backend, keepOthers: boolean): void {
    const rules = backend.outlierDetection;
    if (rules === undefined) {
      if (keepOthers) return;
      clearInterval(watched.timer);
      watched.timer = undefined;
      watched.detector = undefined;
      return;
    }
    const detector = watched.detector ?? new OutlierDetector(rules);
    watched.detector = detector;
    detector.rules = rules;
    const addresses = backend.endpoints.map(({ address }) => address);
    detector.follow(keepOthers ? [...detector.followed, ...addresses] : addresses);
    if (watched.timer !== undefined && watched.intervalMs === rules.intervalMs) return;
    clearInterval(watched.timer);
    watched.intervalMs = rules.intervalMs;
    const look = () => {
      for (const change of detector.look(this.#options.monotonicMs())) this.#tellEjection(backend.id, change);
    };
    watched.timer = setInterval(look, Math.min(rules.intervalMs, MAX_DELAY_MS));
  }

  #check(watched: Watched, backend: Backend, keepOthers: boolean): void {
    const wanted = (backend.healthChecks?.length ?? 0) > 0 ? backend.endpoints : [];
    const addresses = new Set(wanted.map(({ address }) => address));
    for (const [address, checked] of watched.checked) {
      if (addresses.has(address) || keepOthers) continue;
      this.#stop(checked);
      watched.checked.delete(address);
    }
    for (const endpoint of wanted) {
      const known = watched.checked.get(endpoint.address);
      if (known !== undefined) known.update(backend, endpoint);
      else {
        const { connections, random } = this.#options;
        const onResult = this.#onResult.bind(this);
        const checked = new CheckedEndpoint(backend, endpoint, { connections, random, onResult });
        watched.checked.set(endpoint.address, checked);
        this.#pending.add(checked);
      }
    }
  }

  #stop(checked: CheckedEndpoint): void {
    checked.stop();
    this.#settle(checked);
  }

  #onResult(checked: CheckedEndpoint, outcome: ProbeOutcome, before: CheckState): void {
    const { backend, endpoint, state } = checked;
    this.#counts.check(backend.id, outcome.result === "passed");
    if (state !== before) {
      const isFirst = before === "pending" && state === "passing";
      const details = { backend: backend.id, endpoint: endpoint.address, reason: outcome.reason };
      const message = state === "passing" ? "endpoint passes its checks" : "endpoint fails its checks";
      // Thousands of endpoints that are well from the start are no news.
      this.#options.logger[isFirst ? "debug" : "info"](details, message);
    }
    if (outcome.result === "passed" && state === "passing") {
      const detector = this.#backends.get(backend.id)?.detector;
      const change = detector?.checksPass(endpoint.address, this.#options.monotonicMs());
      if (change !== undefined) this.#tellEjection(backend.id, change);
    }
    if (state !== before) this.#options.onChange(backend.id);
    if (state !== "pending") this.#settle(checked);
  }

  #tellEjection(backend: string, change: EjectionChange): void {
    const details = { backend, endpoint: change.address };
    if (change.kind === "ejected") {
      this.#counts.ejection(backend, change.reason);
      this.#options.logger.info({ ...details, reason: change.reason }, "endpoint ejected");
    } else {
      this.#options.logger.info(details, "endpoint returned from ejection");
    }
    this.#options.onChange(backend);
  }

  #settle(checked: CheckedEndpoint): void {
    if (!this.#pending.delete(checked) || this.#pending.size > 0) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}

function newWatched(backend: Backend): Watched {
  return { backend, checked: new Map(), detector: undefined, timer: undefined, intervalMs: 0 };
}
