// The connections to all endpoints of one backend: which of them may serve whom, and when they are given up.
import type { Backend, Certificate, Endpoint } from "../model/index.ts";
import { formatProxyHeader } from "./proxy-protocol/format.ts";
import type { ConnectionInfo } from "./stream.ts";
import type { BackendCounters } from "./traffic.ts";
import { Breaker, shareOfLimits } from "./upstream-breaker.ts";
import type { UpstreamConnection, Way } from "./upstream-connection.ts";
import { EndpointConnections, type PlaceWatcher, type Tally } from "./upstream-endpoint.ts";
import type { UpstreamPoolOptions } from "./upstream-pool.ts";
import { digestOf, type TlsClients } from "./upstream-tls.ts";

/** Without connections so long, an endpoint's TLS session is not worth keeping any more. */
const FORGET_MS = 60_000;

export class BackendConnections implements PlaceWatcher {
  readonly #options: UpstreamPoolOptions;
  readonly #tlsClients: TlsClients;
  readonly #counters: BackendCounters;
  readonly #tally: Tally = { open: 0, idle: 0 };
  /** By address; what else connections of one endpoint differ in follows after a space. */
  readonly #endpoints = new Map<string, EndpointConnections>();
  #backend: Backend;
  #breaker: Breaker | undefined;
  /** No snapshot has the backend any more, and nobody sweeps it. */
  #isGone = false;

  constructor(backend: Backend, tlsClients: TlsClients, options: UpstreamPoolOptions) {
    this.#options = options;
    this.#tlsClients = tlsClients;
    this.#counters = options.counters(backend.id);
    this.#backend = backend;
    this.#setLimits();
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** Requests that wait for a connection. */
  get waiting(): number {
    return this.#breaker?.waiting ?? 0;
  }

  acquire(
    endpoint: Endpoint,
    certificate: Certificate | undefined,
    fresh: boolean,
    client: ConnectionInfo | undefined,
  ): UpstreamConnection {
    const connections = this.#to(endpoint, certificate, client);
    const breaker = this.#breaker;
    if (breaker === undefined) return (fresh ? undefined : connections.take()) ?? connections.open(endpoint);
    return (
      breaker.acquire(connections, endpoint, fresh) ??
      breaker.wait({
        endpoint,
        connections: () => (connections.retired ? this.#to(endpoint, certificate, client) : connections),
      })
    );
  }

  /** The same backend in a newer snapshot: what does not fit it any more is given up, busy ones after their exchange. */
  update(backend: Backend): void {
    const before = this.#backend;
    if (backend === before) return;
    this.#backend = backend;
    if (settingsOf(backend) !== settingsOf(before)) {
      this.retire();
      this.#setLimits();
      return;
    }
    if (backend.endpoints === before.endpoints) return;
    const addresses = new Set(backend.endpoints.map(({ address }) => address));
    for (const [key, connections] of this.#endpoints) {
      if (addresses.has(addressOf(key))) continue;
      this.#endpoints.delete(key);
      connections.depart();
    }
  }

  onPlaceFreed(): void {
    this.#breaker?.onPlaceFreed();
  }

  /** Closes what waited too long. */
  sweep(nowMs: number): void {
    for (const [key, connections] of this.#endpoints) {
      connections.sweep(nowMs);
      const emptySinceMs = connections.emptySinceMs;
      if (emptySinceMs === undefined) continue;
      // A client that is gone does not come back; an endpoint does.
      const keepsMs = this.#backend.proxyProtocol === undefined ? FORGET_MS : 0;
      if (nowMs - emptySinceMs <= keepsMs) continue;
      this.#endpoints.delete(key);
      // Whoever waits with it asks for another.
      connections.retire();
    }
  }

  /** The backend is gone: who waits for a connection gets one yet, which is not kept either. */
  leave(): void {
    this.#isGone = true;
    this.retire();
  }

  /** Gives all of them up: idle ones now, busy ones after their exchange. */
  retire(): void {
    const all = [...this.#endpoints.values()];
    this.#endpoints.clear();
    for (const connections of all) connections.retire();
  }

  #to(
    endpoint: Endpoint,
    certificate: Certificate | undefined,
    client: ConnectionInfo | undefined,
  ): EndpointConnections {
    const { tls, proxyProtocol } = this.#backend;
    let key = endpoint.address;
    if (tls !== undefined && tls.clientCertificate === undefined && certificate !== undefined) {
      key += ` ${digestOf(certificate)}`;
    }
    // The header speaks for the whole connection, so that it serves this client alone.
    if (proxyProtocol !== undefined) key += ` ${client?.peerAddress} ${client?.localAddress}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) return known;
    const connections = new EndpointConnections({
      connect: this.#options.connect,
      way: this.#way(certificate, client),
      maxIdle: this.#options.maxIdlePerEndpoint,
      idleTimeoutMs: this.#backend.idleTimeoutMs ?? this.#options.idleTimeoutMs,
      counters: this.#counters,
      onTlsFailure: (cause) =>
        this.#options.onTlsFailure({ backend: this.#backend.id, endpoint: endpoint.address, cause }),
      tally: this.#tally,
      watcher: this,
      nowMs: this.#options.monotonicMs(),
    });
    const isThere =
      !this.#isGone && this.#backend.endpoints.some(({ address }) => address === endpoint.address);
    if (isThere) this.#endpoints.set(key, connections);
    // Who began with an older snapshot may ask for it yet.
    else connections.depart();
    return connections;
  }

  #way(certificate: Certificate | undefined, client: ConnectionInfo | undefined): Way {
    const { tls, proxyProtocol, connectTimeoutMs, limits } = this.#backend;
    return {
      tls: tls === undefined ? undefined : this.#tlsClients.of(tls, certificate),
      tlsSession: undefined,
      preface:
        proxyProtocol === undefined
          ? undefined
          : formatProxyHeader(proxyProtocol, client?.peerAddress, client?.localAddress),
      connectTimeoutMs: connectTimeoutMs ?? this.#options.connectTimeoutMs,
      maxRequests: limits?.maxRequestsPerConnection ?? Number.POSITIVE_INFINITY,
    };
  }

  #setLimits(): void {
    const { limits } = this.#backend;
    const { workers, sweep, maxWaitMs, monotonicMs } = this.#options;
    const isLimited = limits?.maxConnections !== undefined || limits?.maxRequests !== undefined;
    if (!isLimited && this.#breaker === undefined) return;
    // One that is there stays, without limits even: requests may wait in it.
    const share = shareOfLimits(limits ?? {}, workers);
    this.#breaker ??= new Breaker(share, {
      tally: this.#tally,
      counters: this.#counters,
      sweep,
      maxWaitMs,
      monotonicMs,
      closeOldestIdle: () => this.#closeOldestIdle(),
    });
    this.#breaker.limits = share;
    this.#breaker.onPlaceFreed();
  }

  #closeOldestIdle(): boolean {
    if (this.#tally.idle === 0) return false;
    let oldest: EndpointConnections | undefined;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const connections of this.#endpoints.values()) {
      const idleSinceMs = connections.oldestIdleSinceMs;
      if (idleSinceMs === undefined || idleSinceMs >= sinceMs) continue;
      oldest = connections;
      sinceMs = idleSinceMs;
    }
    oldest?.close(1);
    return oldest !== undefined;
  }
}

/** What connections that are open depend on, as text to compare. */
function settingsOf({ tls, proxyProtocol, connectTimeoutMs, idleTimeoutMs, limits }: Backend): string {
  const own = tls === undefined ? undefined : digestOf(tls);
  return JSON.stringify([own, proxyProtocol, connectTimeoutMs, idleTimeoutMs, limits]);
}

function addressOf(key: string): string {
  const end = key.indexOf(" ");
  return end === -1 ? key : key.slice(0, end);
}
