// Counts what the data plane does; counters are plain numbers that a request finds in a few look-ups.
import type { SessionOutcome } from "../affinity/decision.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { METRICS, type MetricName, type MetricSample } from "../telemetry/metrics.ts";
import { OpenedTokens } from "./counted-keys.ts";
import type { RetryReason } from "./retries.ts";
import { TlsCounters } from "./tls/tls-counters.ts";
import type { ConnectFailure } from "./upstream-connection.ts";

/** Requests of one route on one listener that were for one backend. */
export class RequestCounters {
  /** Index: first digit of the status. */
  readonly byCodeClass = [0, 0, 0, 0, 0, 0];
  /** Seconds. */
  readonly durations = new Histogram(METRICS.limpet_request_duration_seconds.buckets);
  bytesIn = 0;
  bytesOut = 0;
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
  /** What endpoints answered, each attempt by itself; index: first digit of the status. */
  readonly byCodeClass = [0, 0, 0, 0, 0, 0];
  /** Seconds to the head of an answer. */
  readonly responseTimes = new Histogram(METRICS.limpet_upstream_response_seconds.buckets);
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
    "endpoint-drains": 0,
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
  /** Connections that changed their protocol. */
  tunnels = 0;
  mirrorsInFlight = 0;
  connectionsAccepted = 0;
  connectionsRefused = 0;
  connectionsYielded = 0;
  readonly tls = new TlsCounters();
  readonly openedTokens = new OpenedTokens();
  readonly #requests = new Map<string, Map<string, Map<string, RequestCounters>>>();
  readonly #protocols = new Map<string, Map<string, { count: number }>>();
  readonly #affinity = new Map<string, AffinityCounters>();
  readonly #backends = new Map<string, BackendCounters>();
  readonly #passedThrough = new Map<string, Map<string, { count: number }>>();
  readonly #errors = new Map<string, number>();
  readonly #rejected = new Map<string, number>();

  /** Empty names stand for requests that found no listener, no route or no backend. */
  requests(listener: string, route: string, backend: string): RequestCounters {
    const routes = entry(this.#requests, listener, newRoutes);
    return entry(entry(routes, route, newBackends), backend, newRequestCounters);
  }

  /** @param protocol one of a few: clients must not be able to invent any */
  spoken(listener: string, protocol: string): void {
    entry(entry(this.#protocols, listener, newCounts), protocol, newCount).count += 1;
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
    const addHistogram = (name: MetricName, labels: Record<string, string>, values: Histogram) => {
      if (values.count > 0) samples.push({ name, labels, value: values.count, histogram: values.counts });
    };
    for (const [listener, routes] of this.#requests) {
      for (const [route, backends] of routes) {
        for (const [backend, { byCodeClass, durations, bytesIn, bytesOut }] of backends) {
          const labels = { route, backend };
          byCodeClass.forEach((count, digit) => {
            const code_class = `${digit}xx`;
            if (count > 0) add("limpet_requests_total", { listener, route, backend, code_class }, count);
          });
          addHistogram("limpet_request_duration_seconds", labels, durations);
          add("limpet_request_body_bytes_total", labels, bytesIn);
          add("limpet_response_body_bytes_total", labels, bytesOut);
        }
      }
    }
    for (const [listener, protocols] of this.#protocols) {
      for (const [protocol, { count }] of protocols) {
        add("limpet_listener_requests_total", { listener, protocol }, count);
      }
    }
    for (const [route, { outcomes, hashKeyMissing }] of this.#affinity) {
      for (const [outcome, count] of Object.entries(outcomes)) {
        if (count > 0) add("limpet_session_outcomes_total", { route, outcome }, count);
      }
      if (hashKeyMissing > 0) add("limpet_hash_key_missing_total", { route }, hashKeyMissing);
    }
    for (const [backend, counters] of this.#backends) {
      counters.byCodeClass.forEach((count, digit) => {
        const code_class = `${digit}xx`;
        if (count > 0) add("limpet_upstream_responses_total", { backend, code_class }, count);
      });
      addHistogram("limpet_upstream_response_seconds", { backend }, counters.responseTimes);
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
    add("limpet_tunnels", {}, this.tunnels);
    add("limpet_client_connections_total", {}, this.connectionsAccepted);
    add("limpet_client_connections_refused_total", {}, this.connectionsRefused);
    add("limpet_client_connections_yielded_total", {}, this.connectionsYielded);
    for (const [listener, routes] of this.#passedThrough) {
      for (const [route, { count }] of routes) {
        add("limpet_passthrough_connections_total", { listener, route }, count);
      }
    }
    for (const [key, { count }] of this.openedTokens.byKey) {
      add("limpet_session_tokens_opened_total", { key }, count);
    }
    samples.push(...this.tls.samples());
    return samples;
  }
}

/** @param byCodeClass index: first digit of the status */
export function countStatus(byCodeClass: number[], status: number): void {
  const digit = Math.floor(status / 100);
  byCodeClass[digit] = (byCodeClass[digit] ?? 0) + 1;
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

const newRoutes = () => new Map<string, Map<string, RequestCounters>>();
const newBackends = () => new Map<string, RequestCounters>();
const newRequestCounters = () => new RequestCounters();
const newCounts = () => new Map<string, { count: number }>();
const newCount = () => ({ count: 0 });
const newAffinityCounters = () => new AffinityCounters();
const newBackendCounters = () => new BackendCounters();
