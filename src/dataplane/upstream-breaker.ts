// The circuit breakers of a backend: how many connections and requests it may have, and who waits for one.
import type { BackendLimits, Endpoint } from "../model/index.ts";
import type { BackendCounters } from "./traffic.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";
import type { EndpointConnections, PlaceWatcher, Tally } from "./upstream-endpoint.ts";
import { RefusedConnection } from "./upstream-refusal.ts";
import { busy, WaitingRequest, type WaitingRoom, type Wanted } from "./upstream-waiting.ts";

/** A connection is rather given to who waits for its endpoint; who waited longest is passed over so often at most. */
const MAX_OVERTAKEN = 16;

/** What those who wait are looked after by. */
export interface WaitingSweep {
  add(swept: { sweep(nowMs: number): void; readonly heldBytes?: number }): void;
  delete(swept: { sweep(nowMs: number): void }): void;
}

export interface BreakerOptions {
  readonly tally: Tally;
  readonly counters: BackendCounters;
  readonly sweep: WaitingSweep;
  readonly maxWaitMs: number;
  readonly monotonicMs: () => number;
  /** Gives up the connection, of any endpoint, that has been idle for longest; false: none is idle. */
  readonly closeOldestIdle: () => boolean;
}

/** Those who wait and those who are served are told apart as in Envoy: what waits is no request in flight yet. */
export class Breaker implements PlaceWatcher, WaitingRoom {
  limits: BackendLimits;
  readonly #options: BreakerOptions;
  readonly #queue: WaitingRequest[] = [];
  #isServing = false;

  /** @param limits the share of this process */
  constructor(limits: BackendLimits, options: BreakerOptions) {
    this.limits = limits;
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** A connection, or one that refuses; undefined: the request has to wait. */
  acquire(
    connections: EndpointConnections,
    endpoint: Endpoint,
    fresh: boolean,
  ): UpstreamConnection | undefined {
    if (!this.#mayServe()) {
      this.#options.counters.limitHits.requests += 1;
      return new RefusedConnection(busy("the backend has as many requests as it may"));
    }
    // Those who wait come first.
    return this.#queue.length > 0 ? undefined : this.#lend(connections, endpoint, fresh);
  }

  /** A place in the queue, or a refusal where it is full. */
  wait(wanted: Wanted): UpstreamConnection {
    const { counters, monotonicMs, maxWaitMs, sweep } = this.#options;
    counters.limitHits.connections += 1;
    if (this.#queue.length >= (this.limits.maxPendingRequests ?? Number.POSITIVE_INFINITY)) {
      counters.limitHits.pending += 1;
      return new RefusedConnection(busy("as many requests wait for the backend as may"));
    }
    const waiting = new WaitingRequest(wanted, this, monotonicMs() + maxWaitMs);
    this.#queue.push(waiting);
    sweep.add(waiting);
    return waiting;
  }

  leave(waiting: WaitingRequest): void {
    const at = this.#queue.indexOf(waiting);
    if (at === -1) return;
    this.#queue.splice(at, 1);
    this.#options.sweep.delete(waiting);
  }

  onPlaceFreed(): void {
    // To close an idle connection for one who waits frees a place too: the loop sees it.
    if (this.#isServing || this.#queue.length === 0) return;
    this.#isServing = true;
    try {
      while (this.#queue.length > 0 && this.#mayServe()) {
        const next = this.#next();
        const connection = this.#lend(next.wanted.connections(), next.wanted.endpoint, false);
        if (connection === undefined) break;
        this.leave(next);
        next.begin(connection);
      }
    } finally {
      this.#isServing = false;
    }
  }

  /** Requests in flight are the connections that are not idle: each carries one, or a tunnel. */
  #mayServe(): boolean {
    const { open, idle } = this.#options.tally;
    return open - idle < (this.limits.maxRequests ?? Number.POSITIVE_INFINITY);
  }

  /** An idle connection to that endpoint, or a new one, in the place of an idle one to another if need be. */
  #lend(
    connections: EndpointConnections,
    endpoint: Endpoint,
    fresh: boolean,
  ): UpstreamConnection | undefined {
    const idle = fresh ? undefined : connections.take();
    if (idle !== undefined) return idle;
    const { tally, closeOldestIdle } = this.#options;
    const isFull = tally.open >= (this.limits.maxConnections ?? Number.POSITIVE_INFINITY);
    return isFull && !closeOldestIdle() ? undefined : connections.open(endpoint);
  }

  #next(): WaitingRequest {
    const first = this.#queue[0] as WaitingRequest;
    if (this.#options.tally.idle === 0 || first.overtaken >= MAX_OVERTAKEN) return first;
    const next = this.#queue.find(({ wanted }) => wanted.connections().idle > 0) ?? first;
    if (next !== first) first.overtaken += 1;
    return next;
  }
}

/** The share of one of so many workers: together they never exceed a limit, unless it is smaller than their number. */
export function shareOfLimits(limits: BackendLimits, workers: number): BackendLimits {
  const share = (total: number) => (total === 0 ? 0 : Math.max(1, Math.floor(total / workers)));
  // Without any connection those who wait would wait in vain: one is always allowed, as in Envoy.
  const { maxConnections, maxPendingRequests, maxRequests } = limits;
  return {
    ...limits,
    ...(maxConnections === undefined ? {} : { maxConnections: Math.max(1, share(maxConnections)) }),
    ...(maxPendingRequests === undefined ? {} : { maxPendingRequests: share(maxPendingRequests) }),
    ...(maxRequests === undefined ? {} : { maxRequests: share(maxRequests) }),
  };
}
