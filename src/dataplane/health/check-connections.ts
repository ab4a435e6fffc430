// Connections of active checks: opened as those of requests are, but never shared with them.
import type { Socket } from "node:net";
import type { Backend, Certificate, Endpoint } from "../../model/index.ts";
import type { Clock } from "../clock.ts";
import { DeadlineSweep, http1Connector, openSocket } from "../http1/index.ts";
import type { DataplaneOptions } from "../options.ts";
import type { ProxyError } from "../proxy-error.ts";
import { formatProxyHeader } from "../proxy-protocol/format.ts";
import { BackendCounters } from "../traffic.ts";
import { plainWay, type UpstreamConnection } from "../upstream-connection.ts";
import { UpstreamPool } from "../upstream-pool.ts";
import { TlsClients } from "../upstream-tls.ts";
import type { ProbeConnections } from "./probe.ts";

/** A connection is kept for the next check: longer than most intervals, since endpoints hang up by themselves. */
const IDLE_TIMEOUT_MS = 75_000;

export class CheckConnections implements ProbeConnections {
  /** By id of a backend: shown to endpoints that ask for one, where the backend has none of its own. */
  certificates: ReadonlyMap<string, Certificate> = new Map();
  readonly #options: DataplaneOptions;
  readonly #pool: UpstreamPool;
  readonly #tlsClients = new TlsClients();
  /** Their settings, without limits and timeouts that are meant for requests. */
  #backends: ReadonlyMap<string, Backend> = new Map();

  constructor(options: DataplaneOptions, clock: Clock) {
    this.#options = options;
    const sweep = new DeadlineSweep(clock);
    this.#pool = new UpstreamPool({
      connect: http1Connector(options, sweep),
      counters: () => new BackendCounters(),
      // A check that fails says why by itself.
      onTlsFailure: () => {},
      sweep,
      connectTimeoutMs: options.upstreamConnectTimeoutMs,
      maxIdlePerEndpoint: 1,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      maxWaitMs: options.upstreamConnectTimeoutMs,
      workers: 1,
      monotonicMs: clock.monotonicMs,
    });
  }

  update(backends: readonly Backend[]): void {
    this.#backends = new Map(backends.map((backend) => [backend.id, forChecks(backend)]));
    this.#pool.update((id) => this.#backends.get(id));
  }

  exchange(backend: Backend, endpoint: Endpoint, fresh: boolean): UpstreamConnection {
    return this.#pool.acquire(
      this.#backends.get(backend.id) ?? forChecks(backend),
      endpoint,
      this.certificates.get(backend.id),
      fresh,
    );
  }

  open(
    { id, tls, proxyProtocol }: Backend,
    endpoint: Endpoint,
    receive: (chunk: Buffer) => void,
  ): Socket | ProxyError {
    const way = {
      ...plainWay(this.#options.upstreamConnectTimeoutMs),
      tls: tls === undefined ? undefined : this.#tlsClients.of(tls, this.certificates.get(id)),
      preface:
        proxyProtocol === undefined ? undefined : formatProxyHeader(proxyProtocol, undefined, undefined),
    };
    return openSocket(endpoint, way, receive);
  }

  close(): void {
    this.#pool.close();
  }
}

function forChecks(backend: Backend): Backend {
  const { limits: _limits, idleTimeoutMs: _idleTimeoutMs, ...spoken } = backend;
  return spoken;
}
