// Connections to endpoints that wait for their next exchange: the most recently used goes first, old ones are closed.
import type { Endpoint } from "../model/index.ts";
import type { Connector, UpstreamConnection, UpstreamConnectionOwner } from "./upstream-connection.ts";

const SWEEP_INTERVAL_MS = 500;

export interface UpstreamPoolOptions {
  readonly connect: Connector;
  /** Waiting connections kept per endpoint. */
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

  /** A waiting connection, or a new one where there is none or `fresh` asks for it. */
  acquire(endpoint: Endpoint, fresh: boolean): UpstreamConnection {
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
    return this.#waiting.pop();
  }

  onIdle(connection: UpstreamConnection): void {
    if (this.#retired || this.#waiting.length >= this.#options.maxIdlePerEndpoint) {
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
    let expired = 0;
    while (
      expired < this.#waiting.length &&
      nowMs - (this.#idleSinceMs[expired] as number) >= this.#options.idleTimeoutMs
    ) {
      expired += 1;
    }
    this.#sweptMs = nowMs;
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
