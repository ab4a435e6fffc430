// The pipeline between clients and endpoints in memory, with a clock and randomness that a test sets.
import type { AccessRecord } from "../../src/dataplane/access-log.ts";
import { ClientIdentity } from "../../src/dataplane/client-identity.ts";
import type { ExchangeContext } from "../../src/dataplane/exchange-context.ts";
import { KeptBytes } from "../../src/dataplane/kept-body.ts";
import { type DataplaneOptions, DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import { Pipeline } from "../../src/dataplane/pipeline.ts";
import { RequestIds } from "../../src/dataplane/request-id.ts";
import { RetryAllowances } from "../../src/dataplane/retry-allowance.ts";
import {
  EMPTY_PORT_PLAN,
  emptyServingPlan,
  type ServingPlan,
  ServingPlanBuild,
} from "../../src/dataplane/serving-plan.ts";
import { TableBuilds } from "../../src/dataplane/table-builds.ts";
import type { Tracing } from "../../src/dataplane/tracing.ts";
import { Traffic } from "../../src/dataplane/traffic.ts";
import { UpstreamPool } from "../../src/dataplane/upstream-pool.ts";
import type { Snapshot } from "../../src/model/index.ts";
import { MemoryAlarms } from "./memory-alarms.ts";
import { MemoryEndpoints, type MemoryRequestParts, MemoryServerStream } from "./memory-protocol.ts";

export const START_MS = Date.UTC(2026, 0, 1);

export class MemoryGateway {
  /** Wall and monotonic time alike. */
  nowMs = START_MS;
  readonly clock = { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs };
  /** What `random` answers. */
  randomValue = 0.5;
  readonly alarms = new MemoryAlarms(() => this.nowMs);
  readonly keptBytes = new KeptBytes(1 << 20);
  readonly endpoints = new MemoryEndpoints();
  /** What the observer was told: address, and status or code. */
  readonly observed: (readonly [string, number | string])[] = [];
  readonly log: AccessRecord[] = [];
  /** What the gateway says of itself. */
  readonly defects: string[] = [];
  readonly traffic = new Traffic();
  readonly pool: UpstreamPool;
  /** Where session keys are put. */
  readonly context: ExchangeContext;
  readonly pipeline: Pipeline;
  readonly #swept = new Set<{ sweep(nowMs: number): void }>();
  #plan: ServingPlan = emptyServingPlan(this.clock);

  constructor(snapshot: Snapshot, options: Partial<DataplaneOptions> = {}, tracing?: Tracing) {
    const all = { ...DEFAULT_DATAPLANE_OPTIONS, ...options };
    const { clock } = this;
    this.pool = new UpstreamPool({
      connect: this.endpoints.connect,
      counters: (backend) => this.traffic.backend(backend),
      onTlsFailure: () => {},
      sweep: { add: (one) => this.#swept.add(one), delete: (one) => this.#swept.delete(one) },
      connectTimeoutMs: all.upstreamConnectTimeoutMs,
      maxIdlePerEndpoint: all.upstreamMaxIdle,
      idleTimeoutMs: all.upstreamIdleTimeoutMs,
      maxWaitMs: all.upstreamResponseTimeoutMs,
      workers: all.workers,
      monotonicMs: clock.monotonicMs,
    });
    this.context = {
      options: all,
      clock,
      random: () => this.randomValue,
      identity: new ClientIdentity(all),
      requestIds: new RequestIds(() => this.randomValue),
      pool: this.pool,
      tables: new TableBuilds(clock),
      traffic: this.traffic,
      logger: {
        error: ({ err }, message) => this.defects.push(`${message}: ${(err as Error).message}`),
        warn: () => {},
        debug: () => {},
      },
      accessLog: { write: (record) => this.log.push(record), dropped: 0, flush: () => Promise.resolve() },
      sweep: {
        add: (one) => this.#swept.add(one),
        delete: (one) => this.#swept.delete(one),
        overloaded: false,
      },
      alarms: this.alarms,
      retries: new RetryAllowances(all.workers, clock),
      keptBytes: this.keptBytes,
      tracing,
      backends: this.#plan.backends,
      observer: {
        answered: (_, { endpoint }, status) => this.observed.push([endpoint.address, status]),
        failed: (_, { endpoint }, code) => this.observed.push([endpoint.address, code]),
      },
    };
    this.pipeline = new Pipeline(this.context, EMPTY_PORT_PLAN);
    this.serve(snapshot);
  }

  /** Swaps to the snapshot; the pipeline is that of its first bind point. */
  serve(snapshot: Snapshot): void {
    const build = new ServingPlanBuild(snapshot, this.#plan);
    build.step(() => false);
    this.#plan = build.plan as ServingPlan;
    this.context.backends = this.#plan.backends;
    this.pipeline.plan = [...this.#plan.ports.values()][0] ?? EMPTY_PORT_PLAN;
    this.pool.update((id) => this.#plan.backends.get(id)?.backend);
  }

  request(parts: MemoryRequestParts = {}): MemoryServerStream {
    const stream = new MemoryServerStream(parts);
    this.pipeline.onRequest(stream);
    return stream;
  }

  /** Requests that endpoints are at work on, as balancers see it. */
  get active(): number {
    const { snapshot, backends } = this.#plan;
    const endpoints = snapshot.backends.flatMap(({ id }) => backends.get(id)?.endpoints ?? []);
    return endpoints.reduce((sum, { active }) => sum + active, 0);
  }

  /** Lets so much time pass, alarm by alarm. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (
      let nextMs = this.alarms.nextMs;
      nextMs !== undefined && nextMs <= untilMs;
      nextMs = this.alarms.nextMs
    ) {
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.alarms.ring();
    }
    this.nowMs = untilMs;
  }

  /** What happens a few times a second. */
  sweep(): void {
    for (const one of this.#swept) one.sweep(this.nowMs);
    this.pool.sweep();
  }

  sample(name: string, labels: Record<string, string> = {}): number | undefined {
    return this.traffic
      .samples()
      .find(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )?.value;
  }
}

/** Lets what was put off (resumed bodies) happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
