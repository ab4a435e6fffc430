// The connections to one endpoint that are opened the same way: the most recently used goes first, old ones are closed.
import type { Endpoint } from "../model/index.ts";
import type { BackendCounters } from "./traffic.ts";
import type {
  ConnectFailure,
  Connector,
  UpstreamConnection,
  UpstreamConnectionOwner,
  Way,
} from "./upstream-connection.ts";

/** An endpoint that says how long it keeps a silent connection is left so much earlier: it must not close first. */
export const KEPT_MARGIN_MS = 1_000;

/** Whoever connects to an endpoint that discovery has taken out waits no longer: most of them do not answer any more. */
export const GONE_CONNECT_TIMEOUT_MS = 250;

const TELL_AGAIN_MS = 60_000;

/** How many connections there are to a backend's endpoints. */
export interface Tally {
  /** Being opened, busy, idle, or a tunnel. */
  open: number;
  idle: number;
}

/** Told when a connection could serve somebody who waits. */
export interface PlaceWatcher {
  /** One waits for an exchange, or one less is open. */
  onPlaceFreed(): void;
}

export interface EndpointConnectionsOptions {
  readonly connect: Connector;
  readonly way: Way;
  /** Waiting connections; more are closed once nobody has needed them from one sweep to the next. */
  readonly maxIdle: number;
  readonly idleTimeoutMs: number;
  readonly counters: BackendCounters;
  /** Told why TLS fails, once a minute at most: clients learn nothing of it, and every one of their requests may fail. */
  readonly onTlsFailure: (cause: unknown) => void;
  readonly tally: Tally;
  readonly watcher: PlaceWatcher;
  readonly nowMs: number;
}

/** Idle connections are a stack, so that the oldest are at its bottom. */
export class EndpointConnections implements UpstreamConnectionOwner {
  readonly #options: EndpointConnectionsOptions;
  readonly #counters: BackendCounters;
  readonly #tally: Tally;
  readonly #waiting: UpstreamConnection[] = [];
  readonly #idleSinceMs: number[] = [];
  #idleTimeoutMs: number;
  #open = 0;
  /** Time of the last sweep: exact enough for idle times, and free on the hot path. */
  #sweptMs: number;
  #usedMs: number;
  /** The fewest that waited since then: so many at the bottom of the stack were not needed. */
  #unneeded = 0;
  #retired = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: EndpointConnectionsOptions) {
    this.#options = options;
    this.#counters = options.counters;
    this.#tally = options.tally;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#sweptMs = options.nowMs;
    this.#usedMs = options.nowMs;
  }

  get idle(): number {
    return this.#waiting.length;
  }

  /** Nothing that is opened here from now on is kept. */
  get retired(): boolean {
    return this.#retired;
  }

  /** There was no connection since, as exact as sweeps are; undefined: there is one. */
  get emptySinceMs(): number | undefined {
    return this.#open === 0 ? this.#usedMs : undefined;
  }

  /** The idle connection that was used last. */
  take(): UpstreamConnection | undefined {
    const connection = this.#waiting.pop();
    if (connection === undefined) return undefined;
    this.#idleSinceMs.pop();
    if (this.#waiting.length < this.#unneeded) this.#unneeded = this.#waiting.length;
    this.#tally.idle -= 1;
    this.#counters.reuses += 1;
    return connection;
  }

  open(endpoint: Endpoint): UpstreamConnection {
    this.#open += 1;
    this.#tally.open += 1;
    this.#counters.connects += 1;
    return this.#options.connect(endpoint, this, this.#options.way);
  }

  onIdle(connection: UpstreamConnection, keptMs?: number): void {
    if (this.#retired) {
      connection.close();
      return;
    }
    if (keptMs !== undefined) {
      this.#idleTimeoutMs = Math.min(this.#options.idleTimeoutMs, Math.max(0, keptMs - KEPT_MARGIN_MS));
    }
    this.#waiting.push(connection);
    this.#idleSinceMs.push(this.#sweptMs);
    this.#tally.idle += 1;
    this.#options.watcher.onPlaceFreed();
  }

  onClosed(connection: UpstreamConnection, failure?: ConnectFailure, cause?: unknown): void {
    this.#open -= 1;
    this.#usedMs = this.#sweptMs;
    this.#tally.open -= 1;
    if (failure !== undefined) {
      this.#counters.connectFailures[failure] += 1;
      if (failure === "upstream-tls") this.#tell(cause);
    }
    const at = this.#waiting.lastIndexOf(connection);
    if (at !== -1) {
      this.#waiting.splice(at, 1);
      this.#idleSinceMs.splice(at, 1);
      this.#tally.idle -= 1;
    }
    this.#options.watcher.onPlaceFreed();
  }

  #tell(cause: unknown): void {
    if (this.#sweptMs - this.#toldMs < TELL_AGAIN_MS) return;
    this.#toldMs = this.#sweptMs;
    this.#options.onTlsFailure(cause);
  }

  /** When the oldest idle connection became idle; undefined: there is none. */
  get oldestIdleSinceMs(): number | undefined {
    return this.#idleSinceMs[0];
  }

  /** Gives up so many of the oldest idle connections. */
  close(count: number): void {
    this.#idleSinceMs.splice(0, count);
    const given = this.#waiting.splice(0, count);
    this.#tally.idle -= given.length;
    this.#unneeded = Math.min(this.#unneeded, this.#waiting.length);
    for (const connection of given) connection.close();
  }

  sweep(nowMs: number): void {
    // Not at once: thousands may pause together for a moment, and would all have to connect again.
    const surplus = Math.min(this.#unneeded, this.#waiting.length - this.#options.maxIdle);
    let expired = Math.max(0, surplus);
    while (
      expired < this.#waiting.length &&
      nowMs - (this.#idleSinceMs[expired] as number) >= this.#idleTimeoutMs
    ) {
      expired += 1;
    }
    this.#sweptMs = nowMs;
    this.#unneeded = this.#waiting.length - expired;
    if (expired > 0) this.close(expired);
  }

  /** The endpoint is gone: as `retire`, and connections that are being opened had better open soon. */
  depart(): void {
    const { way } = this.#options;
    way.connectTimeoutMs = Math.min(way.connectTimeoutMs, GONE_CONNECT_TIMEOUT_MS);
    this.retire();
  }

  /** Idle connections are given up now, busy ones after their exchange. */
  retire(): void {
    this.#retired = true;
    this.close(this.#waiting.length);
  }
}
