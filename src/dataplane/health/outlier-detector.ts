// Decides which endpoints of one backend are ejected and when they return, by the rules of Envoy's outlier detection.
import type { OutlierDetection } from "../../model/index.ts";
import type { Observation, Tally } from "./observation.ts";
import { FailureRun } from "./streak.ts";

/** Why an endpoint is ejected: `consecutive5xx`, `consecutiveGatewayErrors`, ... as the configuration calls them. */
export type EjectionReason =
  | "consecutive5xx"
  | "consecutiveGatewayErrors"
  | "consecutiveLocalErrors"
  | "successRate"
  | "failurePercentage";

export type EjectionChange =
  | { readonly address: string; readonly kind: "ejected"; readonly reason: EjectionReason }
  /** Its time is over, or an active check passed. */
  | { readonly address: string; readonly kind: "returned" };

interface Watched {
  readonly serverErrors: FailureRun;
  readonly gatewayErrors: FailureRun;
  readonly localErrors: FailureRun;
  /** Since the last look. */
  answers: Tally;
  connections: Tally;
  /** Undefined: it serves. */
  ejectedAtMs: number | undefined;
  returnedAtMs: number | undefined;
  /** How many times the base time the next ejection lasts, less one. */
  backoff: number;
}

/** Times are those of one monotonic clock, which the caller reads. */
export class OutlierDetector {
  /** May be replaced while it works: what was counted stays. */
  rules: OutlierDetection;
  readonly #endpoints = new Map<string, Watched>();
  #ejected = 0;
  /** Ejections that `maxEjectionPercent` forbade. */
  overflows = 0;

  constructor(rules: OutlierDetection) {
    this.rules = rules;
  }

  /** Endpoints that are ejected now. */
  get ejected(): number {
    return this.#ejected;
  }

  /** Addresses of all endpoints that it follows. */
  get followed(): readonly string[] {
    return [...this.#endpoints.keys()];
  }

  isEjected(address: string): boolean {
    return this.#endpoints.get(address)?.ejectedAtMs !== undefined;
  }

  /** The endpoints of the backend from now on; those that stay keep what was counted. */
  follow(addresses: readonly string[]): void {
    const wanted = new Set(addresses);
    for (const [address, watched] of this.#endpoints) {
      if (wanted.has(address)) continue;
      if (watched.ejectedAtMs !== undefined) this.#ejected -= 1;
      this.#endpoints.delete(address);
    }
    for (const address of wanted) {
      if (!this.#endpoints.has(address)) this.#endpoints.set(address, newWatched());
    }
  }

  /** Endpoints that are not followed are ignored: a worker may still tell of one that is gone. */
  observe(observation: Observation, nowMs: number): EjectionChange | undefined {
    const { address } = observation;
    const watched = this.#endpoints.get(address);
    if (watched === undefined) return undefined;
    addTally(watched.answers, observation.answers);
    addTally(watched.connections, observation.connections);
    if (watched.ejectedAtMs !== undefined) return undefined;
    const { rules } = this;
    const reached: EjectionReason[] = [];
    if (watched.gatewayErrors.reaches(observation.gatewayErrors, rules.consecutiveGatewayErrors))
      reached.push("consecutiveGatewayErrors");
    if (watched.serverErrors.reaches(observation.serverErrors, rules.consecutive5xx))
      reached.push("consecutive5xx");
    if (watched.localErrors.reaches(observation.localErrors, rules.consecutiveLocalErrors))
      reached.push("consecutiveLocalErrors");
    const [reason] = reached;
    return reason === undefined ? undefined : this.#eject(address, watched, reason, nowMs);
  }

  /** An active check of an endpoint passed, and none fails: whoever is ejected returns, as in Envoy. */
  checksPass(address: string, nowMs: number): EjectionChange | undefined {
    const watched = this.#endpoints.get(address);
    return watched?.ejectedAtMs === undefined ? undefined : this.#return(address, watched, nowMs);
  }

  /** The look that is due every `intervalMs`. */
  look(nowMs: number): EjectionChange[] {
    const changes: EjectionChange[] = [];
    for (const [address, watched] of this.#endpoints) {
      if (watched.ejectedAtMs === undefined) continue;
      const { baseEjectionMs, maxEjectionMs } = this.rules;
      const lastsMs = Math.min(baseEjectionMs * watched.backoff, maxEjectionMs);
      if (nowMs - watched.ejectedAtMs >= lastsMs) changes.push(this.#return(address, watched, nowMs));
    }
    changes.push(...this.#compare("answers", nowMs));
    if (this.rules.splitLocalErrors) changes.push(...this.#compare("connections", nowMs));
    for (const watched of this.#endpoints.values()) {
      watched.answers = newTally();
      watched.connections = newTally();
      this.#forgive(watched, nowMs);
    }
    return changes;
  }

  /** Who does worse than the others: by standard deviation, and by a plain share of failures. */
  #compare(tally: "answers" | "connections", nowMs: number): EjectionChange[] {
    const changes: EjectionChange[] = [];
    const { successRate, failurePercentage } = this.rules;
    const eject = (rated: Rated, reason: EjectionReason) => {
      const change = this.#eject(rated.address, rated.watched, reason, nowMs);
      if (change !== undefined) changes.push(change);
    };
    // Both rate the same endpoints: whom the first ejects the second does not eject again.
    const rated = this.#rated(tally);
    if (successRate !== undefined) {
      const enough = rated.filter(({ total }) => total >= successRate.requestVolume);
      if (enough.length > 0 && enough.length >= successRate.minimumHosts) {
        const threshold = successThreshold(enough, successRate.stdevFactor / 1000);
        for (const one of enough) if (one.successPercent < threshold) eject(one, "successRate");
      }
    }
    if (failurePercentage !== undefined) {
      const enough = rated.filter(({ total }) => total >= failurePercentage.requestVolume);
      if (enough.length > 0 && enough.length >= failurePercentage.minimumHosts) {
        for (const one of enough) {
          if (100 - one.successPercent >= failurePercentage.thresholdPercent) eject(one, "failurePercentage");
        }
      }
    }
    return changes;
  }

  #rated(tally: "answers" | "connections"): Rated[] {
    const rated: Rated[] = [];
    for (const [address, watched] of this.#endpoints) {
      const { total, failed } = watched[tally];
      if (watched.ejectedAtMs !== undefined || total === 0) continue;
      rated.push({ address, watched, total, successPercent: (100 * (total - failed)) / total });
    }
    return rated;
  }

  #eject(
    address: string,
    watched: Watched,
    reason: EjectionReason,
    nowMs: number,
  ): EjectionChange | undefined {
    if (watched.ejectedAtMs !== undefined) return undefined;
    const { maxEjectionPercent, alwaysEjectOne, baseEjectionMs, maxEjectionMs } = this.rules;
    const percent = (100 * (this.#ejected + 1)) / this.#endpoints.size;
    if (percent > maxEjectionPercent && !(alwaysEjectOne === true && this.#ejected === 0)) {
      this.overflows += 1;
      return undefined;
    }
    watched.ejectedAtMs = nowMs;
    if (watched.backoff * baseEjectionMs < maxEjectionMs + baseEjectionMs) watched.backoff += 1;
    this.#ejected += 1;
    return { address, kind: "ejected", reason };
  }

  #return(address: string, watched: Watched, nowMs: number): EjectionChange {
    watched.ejectedAtMs = undefined;
    watched.returnedAtMs = nowMs;
    this.#ejected -= 1;
    for (const run of [watched.serverErrors, watched.gatewayErrors, watched.localErrors]) run.reset();
    return { address, kind: "returned" };
  }

  /** Every interval that an endpoint has served since it returned makes its next ejection shorter. */
  #forgive(watched: Watched, nowMs: number): void {
    if (watched.ejectedAtMs !== undefined || watched.returnedAtMs === undefined) return;
    if (nowMs - watched.returnedAtMs >= this.rules.intervalMs && watched.backoff > 0) watched.backoff -= 1;
  }
}

interface Rated {
  readonly address: string;
  readonly watched: Watched;
  readonly total: number;
  readonly successPercent: number;
}

/** Mean less so many standard deviations. */
function successThreshold(rated: readonly Rated[], factor: number): number {
  const mean = rated.reduce((sum, { successPercent }) => sum + successPercent, 0) / rated.length;
  const variance =
    rated.reduce((sum, { successPercent }) => sum + (successPercent - mean) ** 2, 0) / rated.length;
  return mean - factor * Math.sqrt(variance);
}

function newWatched(): Watched {
  return {
    serverErrors: new FailureRun(),
    gatewayErrors: new FailureRun(),
    localErrors: new FailureRun(),
    answers: newTally(),
    connections: newTally(),
    ejectedAtMs: undefined,
    returnedAtMs: undefined,
    backoff: 0,
  };
}

function newTally(): Tally {
  return { total: 0, failed: 0 };
}

function addTally(sum: Tally, { total, failed }: Tally): void {
  sum.total += total;
  sum.failed += failed;
}
