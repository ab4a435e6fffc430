// Counts what the data plane does; counters are plain numbers that a request finds in two look-ups.
import type { SessionOutcome } from "../affinity/decision.ts";
import type { MetricName, MetricSample } from "../telemetry/metrics.ts";
import type { RetryReason } from "./retries.ts";
import { TlsCounters } from "./tls/tls-counters.ts";
import type { ConnectFailure } from "./upstream-connection.ts";

/** Requests of one route on one listener. */
export class RouteCounters {
  /** Index: first digit of the status. */
  readonly byCodeClass = [0, 0, 0, 0, 0, 0];
}

/** What became of sessions and hash keys on one route. */
export class AffinityCounters {
  readonly outcomes: Record<SessionOutcome, number> = {
    new: 0,
    kept: 0,
    expired: 0,
    invalid: 0,
    moved: 0,
    rejected: 0,
  };
  hashKeyMissing = 0;
}

/** Copies of requests, by what became of them. */
export interface MirrorCounters {
  answered: number;
  failed: number;
  /** Not begun or not finished, because the mirror was too slow or had too much to do. */
  dropped: number;
}

/** Connections to the endpoints of one backend. */
export class BackendCounters {
  connects = 0;
  readonly connectFailures: Record<ConnectFailure, number> = {
    "connect-failed": 0,
    "connect-timeout": 0,
    "upstream-tls": 0,
  };
  reuses = 0;
  /** By what spoke for them. */
  readonly retries: Record<RetryReason, number> = {
    "reused-connection": 0,
    "connect-failed": 0,
    "connection-lost": 0,
    timeout: 0,
    status: 0,
  };
  readonly mirrored: MirrorCounters = { answered: 0, failed: 0, dropped: 0 };
  /** How often a limit of the backend kept a request from being served at once. */
  readonly limitHits = { connections: 0, pending: 0, requests: 0 };
}

/** Counters outlive snapshots; what does not belong to a configuration object is a plain field. */
export class Traffic {
  requestsInFlight = 0;
  mirrorsInFlight = 0;
  connectionsAccepted = 0;
  connectionsRefused = 0;
  connectionsYielded = 0;
  readonly tls = new TlsCounters();
  readonly #listeners = new Map<string, Map<string, RouteCounters>>();
  readonly #affinity = new Map<string, AffinityCounters>();
  readonly #backends = new Map<string, BackendCounters>();
  readonly #passedThrough = new Map<string, Map<string, { count: number }>>();
  readonly #errors = new Map<string, number>();
  readonly #rejected = new Map<string, number>();

  /** Empty names stand for requests that found no listener or no route. */
  route(listener: string, route: string): RouteCounters {
    return entry(entry(this.#listeners, listener, newRoutes), route, newRouteCounters);
  }

  affinity(route: string): AffinityCounters {
    return entry(this.#affinity, route, newAffinityCounters);
  }

  backend(id: string): BackendCounters {
    return entry(this.#backends, id, newBackendCounters);
  }

  /** A TLS connection that was not decrypted; an empty name stands for no route. */
  passedThrough(listener: string, route: string): void {
    entry(entry(this.#passedThrough, listener, newCounts), route, newCount).count += 1;
  }

  error(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  /** Input that never became a request. */
  rejected(code: string): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }

  samples(): MetricSample[] {
    const samples: MetricSample[] = [];
    const add = (name: MetricName, labels: Record<string, string>, value: number) =>
      samples.push({ name, labels, value });
    for (const [listener, routes] of this.#listeners) {
      for (const [route, { byCodeClass }] of routes) {
        byCodeClass.forEach((count, digit) => {
          if (count > 0) add("limpet_requests_total", { listener, route, code_class: `${digit}xx` }, count);
        });
      }
    }
    for (const [route, { outcomes, hashKeyMissing }] of this.#affinity) {
      for (const [outcome, count] of Object.entries(outcomes)) {
        if (count > 0) add("limpet_session_outcomes_total", { route, outcome }, count);
      }
      if (hashKeyMissing > 0) add("limpet_hash_key_missing_total", { route }, hashKeyMissing);
    }
    for (const [backend, counters] of this.#backends) {
      add("limpet_upstream_connects_total", { backend }, counters.connects);
      for (const [code, count] of Object.entries(counters.connectFailures)) {
        if (count > 0) add("limpet_upstream_connect_failures_total", { backend, code }, count);
      }
      add("limpet_upstream_reuses_total", { backend }, counters.reuses);
      for (const [reason, count] of Object.entries(counters.retries)) {
        if (count > 0) add("limpet_upstream_retries_total", { backend, reason }, count);
      }
      for (const [result, count] of Object.entries(counters.mirrored)) {
        if (count > 0) add("limpet_mirrored_requests_total", { backend, result }, count);
      }
      for (const [limit, count] of Object.entries(counters.limitHits)) {
        if (count > 0) add("limpet_upstream_limit_hits_total", { backend, limit }, count);
      }
    }
    for (const [code, count] of this.#errors) add("limpet_errors_total", { code }, count);
    for (const [code, count] of this.#rejected) add("limpet_requests_rejected_total", { code }, count);
    add("limpet_requests_in_flight", {}, this.requestsInFlight);
    add("limpet_client_connections_total", {}, this.connectionsAccepted);
    add("limpet_client_connections_refused_total", {}, this.connectionsRefused);
    add("limpet_client_connections_yielded_total", {}, this.connectionsYielded);
    for (const [listener, routes] of this.#passedThrough) {
      for (const [route, { count }] of routes) {
        add("limpet_passthrough_connections_total", { listener, route }, count);
      }
    }
    samples.push(...this.tls.samples());
    return samples;
  }
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

const newRoutes = () => new Map<string, RouteCounters>();
const newRouteCounters = () => new RouteCounters();
const newCounts = () => new Map<string, { count: number }>();
const newCount = () => ({ count: 0 });
const newAffinityCounters = () => new AffinityCounters();
const newBackendCounters = () => new BackendCounters();
