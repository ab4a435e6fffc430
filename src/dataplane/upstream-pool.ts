// Connections to endpoints that wait for their next exchange, by backend.
import type { Backend, Certificate, Endpoint } from "../model/index.ts";
import type { MetricSample } from "../telemetry/metrics.ts";
import type { ConnectionInfo } from "./stream.ts";
import type { BackendCounters } from "./traffic.ts";
import { BackendConnections } from "./upstream-backend.ts";
import type { WaitingSweep } from "./upstream-breaker.ts";
import type { Connector, UpstreamConnection } from "./upstream-connection.ts";
import { TlsClients } from "./upstream-tls.ts";

const SWEEP_INTERVAL_MS = 500;

/** Why there is no secure connection to an endpoint. */
export interface TlsFailure {
  readonly backend: string;
  readonly endpoint: string;
  readonly cause: unknown;
}

export interface UpstreamPoolOptions {
  readonly connect: Connector;
  /** Where what happens to connections of a backend is counted. */
  readonly counters: (backend: string) => BackendCounters;
  /** Told once a minute at most, for each endpoint. */
  readonly onTlsFailure: (failure: TlsFailure) => void;
  /** For requests that wait for a connection. */
  readonly sweep: WaitingSweep;
  /** Unless the backend says otherwise. */
  readonly connectTimeoutMs: number;
  /** Waiting connections kept per endpoint; more are closed once nobody has needed them from one sweep to the next. */
  readonly maxIdlePerEndpoint: number;
  /** A connection that waited for so long is closed, at most half a second later; unless the backend says otherwise. */
  readonly idleTimeoutMs: number;
  /** How long a request may wait for a connection of a backend that may have no more. */
  readonly maxWaitMs: number;
  /** So many processes share the limits of a backend. */
  readonly workers: number;
  readonly monotonicMs: () => number;
}

export class UpstreamPool {
  readonly #options: UpstreamPoolOptions;
  readonly #backends = new Map<string, BackendConnections>();
  /** Shared with whoever opens connections of its own. */
  readonly tlsClients = new TlsClients();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: UpstreamPoolOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Connections that wait now. */
  get idle(): number {
    let count = 0;
    for (const { tally } of this.#backends.values()) count += tally.idle;
    return count;
  }

  /**
   * A waiting connection, or a new one where there is none or `fresh` asks for it. Where the backend may have no more,
   * the answer is one that waits for its turn, or one that refuses.
   * @param certificate shown where the endpoint asks for one and the backend has none of its own
   * @param client whom a PROXY header names, for backends that want one; undefined: nobody, the gateway asks by itself
   */
  acquire(
    backend: Backend,
    endpoint: Endpoint,
    certificate: Certificate | undefined,
    fresh: boolean,
    client?: ConnectionInfo,
  ): UpstreamConnection {
    let connections = this.#backends.get(backend.id);
    if (connections === undefined) {
      connections = new BackendConnections(backend, this.tlsClients, this.#options);
      this.#backends.set(backend.id, connections);
    }
    return connections.acquire(endpoint, certificate, fresh, client);
  }

  /**
   * Takes over how the backends of a new snapshot are spoken to; requests that began with an older one get it too.
   * Connections that do not fit any more are given up: waiting ones now, busy ones after their exchange.
   */
  update(find: (backend: string) => Backend | undefined): void {
    for (const [id, connections] of this.#backends) {
      const backend = find(id);
      if (backend !== undefined) connections.update(backend);
      else {
        this.#backends.delete(id);
        connections.leave();
      }
    }
  }

  /** Closes what waited too long; runs by itself. */
  sweep(): void {
    const nowMs = this.#options.monotonicMs();
    for (const connections of this.#backends.values()) connections.sweep(nowMs);
  }

  samples(): MetricSample[] {
    const samples: MetricSample[] = [];
    for (const [backend, { tally, waiting }] of this.#backends) {
      const connections = { busy: tally.open - tally.idle, idle: tally.idle };
      for (const [state, value] of Object.entries(connections)) {
        samples.push({ name: "limpet_upstream_connections", labels: { backend, state }, value });
      }
      samples.push({ name: "limpet_upstream_pending_requests", labels: { backend }, value: waiting });
    }
    return samples;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.update(() => undefined);
  }
}
