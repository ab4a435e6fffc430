// The snapshot that is served: the configuration's, with resolved names and verdicts, published anew when they change.
import { isDeepStrictEqual } from "node:util";
import type { HealthWatch } from "../dataplane/health/health-watch.ts";
import { type Backend, EMPTY_SNAPSHOT, type Endpoint, type Snapshot } from "../model/index.ts";
import type { MetricSample } from "../telemetry/index.ts";
import type { Drains } from "./drains.ts";
import { isWatched, judge, mayServe, resolveNames } from "./live-backend.ts";
import type { NameWatch } from "./names/name-watch.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { type Service, ServiceStarts } from "./service-starts.ts";
import { backendsOfSessions } from "./session-backends.ts";

/** From one publication to the next, so that many changes at a time become one. The first of them does not wait. */
const PUBLISH_GAP_MS = 50;
/** With many routes a publication is work: endpoints that flap take a fifth of the workers' time at most. */
const PUBLISH_SHARE = 5;
/** By then every replica of the gateway has learned of an endpoint that is new, and follows tokens that name it. */
export const ARRIVAL_MS = 2_000;
/** The longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export interface LiveSnapshotOptions {
  readonly names: Pick<NameWatch, "watch" | "retain" | "settled" | "addresses" | "stop">;
  readonly health: Pick<HealthWatch, "watch" | "retain" | "settled" | "verdict" | "stop">;
  readonly drains: Drains;
  /** Has all workers serve it. */
  readonly publish: (snapshot: Snapshot) => Promise<void>;
  readonly wallMs: () => number;
  readonly logger: { error(details: object, message: string): void };
}

/** A backend that something is found out about. */
interface Live {
  source: Backend;
  /** With the addresses of its names. */
  resolved: Backend;
  /** As it was published last. */
  merged: Backend;
  /** Since when its endpoints serve, by all that is known of them. */
  readonly starts: ServiceStarts;
  /** Since when they do as far as discovery says, those that drain included; undefined: no session leads here. */
  readonly arrivals: ServiceStarts | undefined;
}

export class LiveSnapshot {
  readonly #options: LiveSnapshotOptions;
  #current: Snapshot = EMPTY_SNAPSHOT;
  /** What the configuration says. */
  #configured: Snapshot = EMPTY_SNAPSHOT;
  #live = new Map<string, Live>();
  /** Ids of backends that are no longer as they were published. */
  readonly #changed = new Set<string>();
  /** Ids of backends whose changes the workers refused: they are in the next publication, whatever it is for. */
  readonly #refused = new Set<string>();
  #refusals = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  /** Hosts that resolve to something else since. */
  readonly #changedHosts = new Set<string>();
  /** Configurations and changes take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  /** No publication of changes before. */
  #nextPublicationMs = Number.NEGATIVE_INFINITY;
  #version = 0;
  #timer: NodeJS.Timeout | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LiveSnapshotOptions) {
    this.#options = options;
  }

  /** What was published last; its version counts up with every publication. */
  get current(): Snapshot {
    return this.#current;
  }

  /**
   * Serves this configuration from now on. Names and endpoints that are new have so much time to be resolved and
   * checked before. Rejects, and goes on with the configuration before, if the workers do not take it.
   */
  serve(configured: Snapshot, waitMs: number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopped) return;
      const { names, health } = this.#options;
      const deadlineMs = performance.now() + waitMs;
      names.watch(hostsOf(configured));
      await names.settled(waitMs);
      // What is watched from here on, nobody would stop any more.
      if (this.#stopped) return;
      for (const backend of configured.backends) {
        if (isWatched(backend)) health.watch(this.#resolve(backend), true);
      }
      await health.settled(Math.max(0, deadlineMs - performance.now()));
      if (this.#stopped) return;
      const live = new Map<string, Live>();
      const ofSessions = backendsOfSessions(configured);
      const backends = configured.backends.map((backend) =>
        this.#adopt(backend, live, ofSessions.has(backend.id)),
      );
      try {
        await this.#publish({ ...configured, backends });
        this.#configured = configured;
        this.#live = live;
      } finally {
        this.#watchNothingElse();
      }
      this.#followStarts();
    });
  }

  /** Every backend as the configuration has it, with the addresses of its names. */
  get backends(): readonly Backend[] {
    return this.#configured.backends.map((backend) => this.#live.get(backend.id)?.resolved ?? backend);
  }

  /** Others drain than before. Resolves when the workers serve it. */
  drainsChanged(): Promise<void> {
    return this.#inTurn(() => {
      for (const backend of this.#configured.backends) {
        if (!this.#live.has(backend.id) && this.#options.drains.concerns(backend)) {
          this.#follow(backend, this.#live, false);
        }
      }
      for (const id of this.#live.keys()) this.#changed.add(id);
      return this.#publishChanges();
    });
  }

  /** The verdict about some endpoint of this backend is another one. */
  backendChanged(id: string): void {
    this.#changed.add(id);
    this.#schedule();
  }

  /** The addresses of this host are others than before. */
  hostChanged(host: string): void {
    this.#changedHosts.add(host);
    this.#schedule();
  }

  samples(): MetricSample[] {
    return this.#current.backends.flatMap((backend) => {
      const counts = new Map<string, number>();
      for (const { health } of backend.endpoints) counts.set(health, (counts.get(health) ?? 0) + 1);
      return [...counts].map(([health, value]) => ({
        name: "limpet_endpoints",
        labels: { backend: backend.id, health },
        value,
      }));
    });
  }

  /** Nothing is published any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#startTimer);
    clearTimeout(this.#retryTimer);
    this.#options.names.stop();
    this.#options.health.stop();
  }

  #resolve(backend: Backend): Backend {
    return resolveNames(backend, (host) => this.#options.names.addresses(host));
  }

  /** The backend as it is served; what nothing is found out about stays the very object that it is. */
  #adopt(backend: Backend, into: Map<string, Live>, forSessions: boolean): Backend {
    if (!forSessions && !isWatched(backend) && !this.#options.drains.concerns(backend)) return backend;
    const live = this.#follow(backend, into, forSessions);
    this.#merge(live);
    return live.merged;
  }

  #follow(backend: Backend, into: Map<string, Live>, forSessions: boolean): Live {
    const before = this.#live.get(backend.id);
    const live: Live = {
      source: backend,
      resolved: this.#resolve(backend),
      merged: backend,
      starts: before?.starts ?? new ServiceStarts(),
      arrivals: forSessions ? (before?.arrivals ?? new ServiceStarts()) : undefined,
    };
    into.set(backend.id, live);
    return live;
  }

  #merge(live: Live): void {
    const { resolved, starts, arrivals } = live;
    const { health, drains, wallMs } = this.#options;
    const verdictOf = ({ address }: Endpoint) => health.verdict(resolved, address);
    const slowStartMs = resolved.slowStart?.windowMs;
    const nowMs = wallMs();
    if (slowStartMs !== undefined) {
      starts.update(resolved, (endpoint) => serviceOf(endpoint, verdictOf(endpoint)), slowStartMs, nowMs);
    }
    arrivals?.update(resolved, (endpoint) => (mayServe(endpoint) ? "serving" : "down"), ARRIVAL_MS, nowMs);
    live.merged = judge(resolved, (endpoint) => ({
      verdict: verdictOf(endpoint),
      slowStartSinceMs: slowStartMs === undefined ? undefined : starts.sinceMs(endpoint, slowStartMs, nowMs),
      arrivingSinceMs: arrivals?.sinceMs(endpoint, ARRIVAL_MS, nowMs),
      drainingSinceMs: mayServe(endpoint) ? drains.sinceMs(endpoint, nowMs) : undefined,
    }));
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    if (this.#changed.size === 0 && this.#changedHosts.size === 0) return;
    const waitMs = Math.max(0, this.#nextPublicationMs - performance.now());
    // A turn of the event loop at least: what is found out together is published together.
    this.#timer = setTimeout(() => {
      this.#inTurn(() => this.#publishChanges())
        .catch((err) => this.#options.logger.error({ err }, "health of endpoints could not be published"))
        .finally(() => {
          this.#timer = undefined;
          this.#schedule();
        });
    }, waitMs);
  }

  async #publishChanges(): Promise<void> {
    if (this.#stopped) return;
    if (this.#changedHosts.size > 0) this.#resolveAgain();
    for (const id of this.#refused) this.#changed.add(id);
    const before = new Map<Live, Backend>();
    for (const id of this.#changed) {
      const live = this.#live.get(id);
      if (live === undefined) continue;
      const { merged } = live;
      this.#merge(live);
      if (isDeepStrictEqual(merged, live.merged)) live.merged = merged;
      else before.set(live, merged);
    }
    this.#changed.clear();
    this.#refused.clear();
    this.#followStarts();
    if (before.size === 0) return;
    const backends = this.#configured.backends.map(
      (backend) => this.#live.get(backend.id)?.merged ?? backend,
    );
    try {
      await this.#publish({ ...this.#configured, backends });
    } catch (error) {
      for (const [live, merged] of before) live.merged = merged;
      this.#retryLater([...before.keys()].map(({ source }) => source.id));
      throw error;
    }
  }

  /** An endpoint that failed must not go on being served because nothing else changes. */
  #retryLater(ids: readonly string[]): void {
    for (const id of ids) this.#refused.add(id);
    clearTimeout(this.#retryTimer);
    if (this.#stopped) return;
    const waitMs = retryWaitMs(this.#refusals);
    this.#refusals += 1;
    this.#retryTimer = setTimeout(() => {
      for (const id of this.#refused) this.#changed.add(id);
      this.#schedule();
    }, waitMs);
  }

  /** Whether the workers took a configuration or not: what they do not serve is watched no more. */
  #watchNothingElse(): void {
    if (this.#stopped) return;
    const { names, health, drains, wallMs } = this.#options;
    names.retain(new Set(hostsOf(this.#configured)));
    for (const { resolved } of this.#live.values()) health.watch(resolved);
    health.retain(new Set(this.#live.keys()));
    drains.retain(this.backends, wallMs());
  }

  #resolveAgain(): void {
    for (const live of this.#live.values()) {
      if (!live.source.names?.some(({ host }) => this.#changedHosts.has(host))) continue;
      live.resolved = this.#resolve(live.source);
      this.#options.health.watch(live.resolved);
      this.#changed.add(live.source.id);
    }
    this.#changedHosts.clear();
  }

  async #publish(snapshot: Snapshot): Promise<void> {
    const startMs = performance.now();
    this.#version += 1;
    const published = { ...snapshot, version: this.#version };
    await this.#options.publish(published);
    const tookMs = performance.now() - startMs;
    this.#nextPublicationMs = startMs + Math.max(PUBLISH_GAP_MS, PUBLISH_SHARE * tookMs);
    this.#current = published;
    this.#refusals = 0;
  }

  /** Endpoints that are new no more are published as what they are, so that nobody looks at the clock for them. */
  #followStarts(): void {
    clearTimeout(this.#startTimer);
    const nowMs = this.#options.wallMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const live of this.#live.values()) nextMs = Math.min(nextMs, nextEndMs(live, nowMs));
    if (nextMs === Number.POSITIVE_INFINITY || this.#stopped) return;
    this.#startTimer = setTimeout(
      () => {
        for (const [id, live] of this.#live) if (nextEndMs(live, nowMs) <= nextMs) this.#changed.add(id);
        this.#schedule();
      },
      Math.min(nextMs - nowMs, MAX_DELAY_MS),
    );
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** When the next endpoint of the backend is new no more, in one sense or the other. */
function nextEndMs({ resolved, starts, arrivals }: Live, nowMs: number): number {
  const slowStartMs = resolved.slowStart?.windowMs;
  return Math.min(
    slowStartMs === undefined ? Number.POSITIVE_INFINITY : starts.nextEndMs(slowStartMs, nowMs),
    arrivals?.nextEndMs(ARRIVAL_MS, nowMs) ?? Number.POSITIVE_INFINITY,
  );
}

function serviceOf({ health }: Endpoint, verdict: ReturnType<HealthWatch["verdict"]>): Service {
  if (verdict === "pending") return "pending";
  const isWell = health === "unknown" || health === "healthy" || health === "degraded";
  return verdict === undefined && isWell ? "serving" : "down";
}

function hostsOf({ backends }: Snapshot): string[] {
  return backends.flatMap(({ names }) => names?.map(({ host }) => host) ?? []);
}
