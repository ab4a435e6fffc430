// One endpoint under active checks: probes it again and again, and keeps what the results make of it.
import type { Backend, Endpoint, HealthCheck } from "../../model/index.ts";
import { MAX_DELAY_MS } from "../alarms.ts";
import { CheckProgress, type CheckState } from "./check-progress.ts";
import { type Probe, type ProbeConnections, type ProbeOutcome, startProbe } from "./probe.ts";

export interface CheckedEndpointOptions {
  readonly connections: ProbeConnections;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** After every single check; `state` is that of all checks together. */
  readonly onResult: (endpoint: CheckedEndpoint, outcome: ProbeOutcome, before: CheckState) => void;
}

/** One of the checks, with its own pace. */
interface Running {
  check: HealthCheck;
  readonly progress: CheckProgress;
  timer: NodeJS.Timeout | undefined;
  probe: Probe | undefined;
}

export class CheckedEndpoint {
  backend: Backend;
  endpoint: Endpoint;
  readonly #options: CheckedEndpointOptions;
  #running: Running[] = [];

  constructor(backend: Backend, endpoint: Endpoint, options: CheckedEndpointOptions) {
    this.backend = backend;
    this.endpoint = endpoint;
    this.#options = options;
    this.update(backend, endpoint);
  }

  /** Failing if one check is, else pending if one is. */
  get state(): CheckState {
    const states = this.#running.map(({ progress }) => progress.state);
    if (states.includes("failing")) return "failing";
    return states.includes("pending") ? "pending" : "passing";
  }

  /** Goes on with what the configuration says now: the next check is by it, and what was found out stays. */
  update(backend: Backend, endpoint: Endpoint): void {
    this.backend = backend;
    this.endpoint = endpoint;
    const checks = backend.healthChecks ?? [];
    for (const running of this.#running.splice(checks.length)) end(running);
    for (const [index, check] of checks.entries()) {
      const known = this.#running[index];
      if (known !== undefined) known.check = check;
      else this.#begin(check);
    }
  }

  stop(): void {
    for (const running of this.#running.splice(0)) end(running);
  }

  #begin(check: HealthCheck): void {
    const running = { check, progress: new CheckProgress(), timer: undefined, probe: undefined };
    this.#running.push(running);
    this.#later(running, Math.floor(this.#options.random() * (check.initialJitterMs ?? 0)));
  }

  #later(running: Running, pauseMs: number): void {
    const delayMs = Math.min(pauseMs, MAX_DELAY_MS);
    running.timer = setTimeout(() => {
      const { connections } = this.#options;
      running.probe = startProbe(connections, this.backend, this.endpoint, running.check, (outcome) => {
        this.#finish(running, outcome);
      });
    }, delayMs);
  }

  #finish(running: Running, outcome: ProbeOutcome): void {
    const before = this.state;
    running.probe = undefined;
    running.progress.record(outcome.result === "refused" ? "failedAtOnce" : outcome.result, running.check);
    this.#later(running, running.progress.pauseMs(running.check));
    this.#options.onResult(this, outcome, before);
  }
}

function end(running: Running): void {
  clearTimeout(running.timer);
  running.probe?.cancel();
}
