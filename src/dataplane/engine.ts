// The data plane of one worker: sockets, the snapshot that is served, and the way from one snapshot to the next.
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import type { Snapshot } from "../model/index.ts";
import type { MetricSample } from "../telemetry/metrics.ts";
import type { AccessLog } from "./access-log.ts";
import { SYSTEM_ALARMS } from "./alarms.ts";
import { ClientIdentity } from "./client-identity.ts";
import type { Clock } from "./clock.ts";
import { CountedKeys } from "./counted-keys.ts";
import { drainingSamples } from "./draining-samples.ts";
import { type EndpointObserver, NO_OBSERVER } from "./endpoint-observer.ts";
import type { DefectLogger, ExchangeContext } from "./exchange-context.ts";
import { DeadlineSweep, http1Connector } from "./http1/index.ts";
import { KeptBytes } from "./kept-body.ts";
import type { DataplaneOptions } from "./options.ts";
import { type BoundSocket, type ListenTarget, Port } from "./port.ts";
import { RequestIds } from "./request-id.ts";
import { RetryAllowances } from "./retry-allowance.ts";
import { EMPTY_PORT_PLAN, emptyServingPlan, type ServingPlan, ServingPlanBuild } from "./serving-plan.ts";
import { finishInSlices } from "./slices.ts";
import { TableBuilds } from "./table-builds.ts";
import type { Tracing } from "./tracing.ts";
import { Traffic } from "./traffic.ts";
import { UpstreamPool } from "./upstream-pool.ts";

/** What the engine needs from the process around it. */
export interface EngineDependencies {
  readonly options: DataplaneOptions;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly accessLog: AccessLog;
  readonly logger: DefectLogger;
  /** Undefined: nobody watches how endpoints answer. */
  readonly observer?: EndpointObserver;
  /** Undefined: nobody follows requests. */
  readonly tracing?: Tracing | undefined;
}

/** For what tunnels still have to say when the time to drain is over. */
const LAST_BYTES_MS = 500;

export class Engine {
  readonly #context: ExchangeContext;
  readonly #sweep: DeadlineSweep;
  readonly #ports = new Map<string, Port>();
  /** Ports that accept no more but still have connections, with their bind keys. */
  readonly #leaving = new Map<Port, string>();
  #served: ServingPlan;
  #prepared: ServingPlan | undefined;

  constructor({ options, clock, random, accessLog, logger, observer, tracing }: EngineDependencies) {
    this.#sweep = new DeadlineSweep(clock, options.maxBufferedSize);
    const traffic = new Traffic();
    this.#served = emptyServingPlan(clock);
    this.#context = {
      options,
      clock,
      random,
      accessLog,
      logger,
      identity: new ClientIdentity(options),
      requestIds: new RequestIds(random),
      pool: new UpstreamPool({
        connect: http1Connector(options, this.#sweep),
        counters: (backend) => traffic.backend(backend),
        onTlsFailure: ({ cause, ...where }) =>
          logger.warn({ err: cause, ...where }, "no secure connection to an endpoint can be made"),
        sweep: this.#sweep,
        connectTimeoutMs: options.upstreamConnectTimeoutMs,
        maxIdlePerEndpoint: options.upstreamMaxIdle,
        idleTimeoutMs: options.upstreamIdleTimeoutMs,
        maxWaitMs: options.upstreamResponseTimeoutMs,
        workers: options.workers,
        monotonicMs: clock.monotonicMs,
      }),
      tables: new TableBuilds(clock),
      traffic,
      sweep: this.#sweep,
      alarms: SYSTEM_ALARMS,
      observer: observer ?? NO_OBSERVER,
      retries: new RetryAllowances(options.workers, clock),
      tracing,
      keptBytes: new KeptBytes(options.maxBufferedSize / 4),
      backends: this.#served.backends,
      sessionKeys: undefined,
    };
  }

  /** The 48 bytes that TLS session tickets are sealed with from now on, shared by all workers. */
  set ticketKeys(keys: Uint8Array) {
    this.#served.terminators.seal.secret = keys;
  }

  /** What session tokens are sealed and opened with from the next request on. */
  set sessionKeys(keys: SessionKeys) {
    this.#context.sessionKeys = new CountedKeys(keys, this.#context.traffic.openedTokens);
  }

  /** Version of the snapshot that is served; 0: none yet. */
  get version(): number {
    return this.#served.snapshot.version;
  }

  /**
   * Accepts clients for a bind point (`bindPoints(snapshot)[i].key`); while the served snapshot does not have it, they
   * get 404. A bind point may have several sockets, by number. Rejects with the system's error if the socket cannot be
   * bound.
   */
  async listen(bindKey: string, target: ListenTarget, number = 0): Promise<BoundSocket> {
    const port = this.#ports.get(bindKey) ?? this.#newPort(bindKey);
    try {
      return await port.listen(target, number);
    } catch (error) {
      if (port.sockets === 0) this.#ports.delete(bindKey);
      throw error;
    }
  }

  /** Leaves the accepting on one socket of a bind point to others; nothing else changes. */
  release(bindKey: string, number: number): void {
    this.#ports.get(bindKey)?.release(number);
  }

  /** Stops accepting on a bind point; its connections finish what they do. Unknown keys are ignored. */
  unlisten(bindKey: string): void {
    const port = this.#ports.get(bindKey);
    if (port === undefined) return;
    this.#ports.delete(bindKey);
    this.#leaving.set(port, bindKey);
    void port.drain().then(() => this.#leaving.delete(port));
  }

  /** Compiles a snapshot beside the one that is served, in slices below 5 ms. Rejects only on a defect. */
  async prepare(snapshot: Snapshot): Promise<void> {
    const build = new ServingPlanBuild(snapshot, this.#served);
    await finishInSlices(build, this.#context.clock);
    this.#prepared = build.plan;
  }

  /**
   * Serves the prepared snapshot of this version from the next request on; requests in flight finish on theirs.
   * Bind points that it does not have stop accepting. Throws if that version is not the one prepared last.
   */
  commit(version: number): void {
    const plan = this.#prepared;
    if (plan?.snapshot.version !== version) throw new Error(`snapshot ${version} is not prepared`);
    this.#prepared = undefined;
    this.#served = plan;
    this.#context.backends = plan.backends;
    for (const [key, port] of this.#ports) {
      const portPlan = plan.ports.get(key);
      if (portPlan === undefined) this.unlisten(key);
      else port.pipeline.plan = portPlan;
    }
    for (const [port, key] of this.#leaving) port.pipeline.plan = plan.ports.get(key) ?? port.pipeline.plan;
    this.#context.pool.update((id) => plan.backends.get(id)?.backend);
  }

  /** Client connections that are open, tunnels included. */
  get connections(): number {
    let count = 0;
    for (const port of this.#ports.values()) count += port.connections;
    for (const port of this.#leaving.keys()) count += port.connections;
    return count;
  }

  #newPort(bindKey: string): Port {
    const port = new Port(this.#context, this.#sweep, {
      taken: () => this.connections,
      makeRoom: () => this.#makeRoom(),
    });
    port.pipeline.plan = this.#served.ports.get(bindKey) ?? EMPTY_PORT_PLAN;
    this.#ports.set(bindKey, port);
    return port;
  }

  #makeRoom(): boolean {
    for (const port of this.#ports.values()) if (port.makeRoom()) return true;
    return false;
  }

  /**
   * Stops accepting, lets requests and tunnels finish, closes what is left after `timeoutMs`, with the last bytes of
   * tunnels. The engine is of no use afterwards.
   */
  async drain(timeoutMs: number): Promise<void> {
    for (const key of [...this.#ports.keys()]) this.unlisten(key);
    const leaving = [...this.#leaving.keys()];
    const expiry = setTimeout(() => {
      for (const port of leaving) port.expire();
    }, timeoutMs);
    const end = setTimeout(() => {
      for (const port of leaving) port.destroy();
    }, timeoutMs + LAST_BYTES_MS);
    await Promise.all(leaving.map((port) => port.drain()));
    clearTimeout(expiry);
    clearTimeout(end);
    this.#context.pool.close();
  }

  stats(): readonly MetricSample[] {
    const samples = this.#context.traffic.samples();
    samples.push(
      ...this.#context.pool.samples(),
      ...drainingSamples(this.#served.backends.all(), Math.floor(this.#context.clock.wallMs() / 1000)),
      { name: "limpet_client_connections", labels: {}, value: this.connections },
      { name: "limpet_buffered_bytes", labels: {}, value: this.#sweep.heldBytes },
      { name: "limpet_access_log_dropped_lines_total", labels: {}, value: this.#context.accessLog.dropped },
    );
    return samples;
  }
}
