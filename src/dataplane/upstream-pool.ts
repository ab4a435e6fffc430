// Connections to endpoints that wait for their next exchange: the most recently used goes first, old ones are closed.
import type { Backend, Certificate, Endpoint } from "../model/index.ts";
import type { Connector, UpstreamConnection, UpstreamConnectionOwner } from "./upstream-connection.ts";

const SWEEP_INTERVAL_MS = 500;

export interface UpstreamPoolOptions {
  readonly connect: Connector;
  /** Waiting connections kept per endpoint; more are closed once nobody has needed them from one sweep to the next. */
  readonly maxIdlePerEndpoint: number;
  /** A connection that waited for so long is closed, at most half a second later. */
  readonly idleTimeoutMs: number;
  readonly monotonicMs: () => number;
}

export class UpstreamPool {
  readonly #options: UpstreamPoolOptions;
  readonly #endpoints = new Map<string, EndpointConnections>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: UpstreamPoolOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Connections that wait now. */
  get idle(): number {
    let count = 0;
    for (const connections of this.#endpoints.values()) count += connections.idle;
    return count;
  }

  /**
   * A waiting connection, or a new one where there is none or `fresh` asks for it.
   * @param _backend whose endpoint it is: how it is spoken to, and its limits
   * @param _certificate shown where the endpoint asks for one and the backend has none of its own
   */
  acquire(
    _backend: Backend,
    endpoint: Endpoint,
    _certificate: Certificate | undefined,
    fresh: boolean,
  ): UpstreamConnection {
    let connections = this.#endpoints.get(endpoint.address);
    if (connections === undefined) {
      connections = new EndpointConnections(this.#options);
      this.#endpoints.set(endpoint.address, connections);
    }
    const waiting = fresh ? undefined : connections.take();
    return waiting ?? this.#options.connect(endpoint, connections);
  }

  /** Gives up the connections of all other endpoints: waiting ones now, busy ones after their exchange. */
  retain(addresses: ReadonlySet<string>): void {
    for (const [address, connections] of this.#endpoints) {
      if (addresses.has(address)) continue;
      connections.retire();
      this.#endpoints.delete(address);
    }
  }

  /** Closes what waited too long; runs by itself. */
  sweep(): void {
    const nowMs = this.#options.monotonicMs();
    for (const connections of this.#endpoints.values()) connections.sweep(nowMs);
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.retain(new Set());
  }
}

/** The waiting connections of one endpoint: a stack, so that the oldest are at its bottom. */
class EndpointConnections implements UpstreamConnectionOwner {
  readonly #options: UpstreamPoolOptions;
  readonly #waiting: UpstreamConnection[] = [];
  readonly #idleSinceMs: number[] = [];
  /** Time of the last sweep: exact enough for idle times, and free on the hot path. */
  #sweptMs: number;
  /** The fewest that waited since then: so many at the bottom of the stack were not needed. */
  #unneeded = 0;
  #retired = false;

  constructor(options: UpstreamPoolOptions) {
    this.#options = options;
    this.#sweptMs = options.monotonicMs();
  }

  get idle(): number {
    return this.#waiting.length;
  }

  take(): UpstreamConnection | undefined {
    this.#idleSinceMs.pop();
    const connection = this.#waiting.pop();
    if (this.#waiting.length < this.#unneeded) this.#unneeded = this.#waiting.length;
    return connection;
  }

  onIdle(connection: UpstreamConnection): void {
    if (this.#retired) {
      connection.close();
      return;
    }
    this.#waiting.push(connection);
    this.#idleSinceMs.push(this.#sweptMs);
  }

  onClosed(connection: UpstreamConnection): void {
    const at = this.#waiting.lastIndexOf(connection);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#idleSinceMs.splice(at, 1);
  }

  sweep(nowMs: number): void {
    // Not at once: thousands may pause together for a moment, and would all have to connect again.
    const surplus = Math.min(this.#unneeded, this.#waiting.length - this.#options.maxIdlePerEndpoint);
    let expired = Math.max(0, surplus);
    while (
      expired < this.#waiting.length &&
      nowMs - (this.#idleSinceMs[expired] as number) >= this.#options.idleTimeoutMs
    ) {
      expired += 1;
    }
    this.#sweptMs = nowMs;
    this.#unneeded = this.#waiting.length - expired;
    if (expired === 0) return;
    this.#idleSinceMs.splice(0, expired);
    for (const connection of this.#waiting.splice(0, expired)) connection.close();
  }

  retire(): void {
    this.#retired = true;
    this.#idleSinceMs.length = 0;
    for (const connection of this.#waiting.splice(0)) connection.close();
  }
}
