// Puts together what makes a configuration live: resolved names, active checks, outlier detection, publication.
import { SYSTEM_CLOCK } from "../dataplane/clock.ts";
import { CheckConnections } from "../dataplane/health/check-connections.ts";
import { HealthWatch } from "../dataplane/health/health-watch.ts";
import type { Observation } from "../dataplane/health/observation.ts";
import type { Backend, Snapshot } from "../model/index.ts";
import type { Logger, MetricSample } from "../telemetry/index.ts";
import { certificatesOfChecks } from "./check-certificates.ts";
import type { Drains } from "./drains.ts";
import { LiveSnapshot } from "./live-snapshot.ts";
import { dnsResolver } from "./names/name-resolver.ts";
import { NameWatch } from "./names/name-watch.ts";
import { remoteAddresses } from "./names/remote-addresses.ts";
import type { RunOptions } from "./run-options.ts";

/** How long names and endpoints that are new may take to be resolved and checked before they are served. */
const FIRST_LOOK_MS = 3_000;
const RELOAD_LOOK_MS = 500;

export class LiveConfiguration {
  readonly #names: NameWatch;
  readonly #connections: CheckConnections;
  readonly #health: HealthWatch;
  readonly #live: LiveSnapshot;

  /** @param publish has all workers serve a snapshot */
  constructor(
    options: Pick<RunOptions, "dataplane" | "dnsServers" | "kubernetes">,
    logger: Logger,
    drains: Drains,
    publish: (snapshot: Snapshot) => Promise<void>,
  ) {
    const resolve = dnsResolver(options.dnsServers);
    this.#names = new NameWatch({
      resolve: options.kubernetes === undefined ? resolve : remoteAddresses(resolve),
      logger,
      onChange: (host) => this.#live.hostChanged(host),
    });
    this.#connections = new CheckConnections(options.dataplane, SYSTEM_CLOCK);
    this.#health = new HealthWatch({
      connections: this.#connections,
      monotonicMs: SYSTEM_CLOCK.monotonicMs,
      random: Math.random,
      logger,
      onChange: (backend) => this.#live.backendChanged(backend),
    });
    this.#live = new LiveSnapshot({
      names: this.#names,
      health: this.#health,
      drains,
      publish,
      wallMs: SYSTEM_CLOCK.wallMs,
      logger,
    });
  }

  /** What the workers were told to serve last. */
  get snapshot(): Snapshot {
    return this.#live.current;
  }

  /** Every backend as the configuration has it, with the addresses of its names. */
  get backends(): readonly Backend[] {
    return this.#live.backends;
  }

  /** Others drain than before. Resolves when the workers serve it. */
  drainsChanged(): Promise<void> {
    return this.#live.drainsChanged();
  }

  /** Rejects, and leaves what is served, if the workers do not take it. */
  serve(configured: Snapshot): Promise<void> {
    this.#connections.certificates = certificatesOfChecks(configured);
    return this.#live.serve(configured, this.#live.current.version === 0 ? FIRST_LOOK_MS : RELOAD_LOOK_MS);
  }

  /** What a worker saw of endpoints. */
  observe(observations: readonly Observation[]): void {
    this.#health.observe(observations);
  }

  samples(): MetricSample[] {
    return [...this.#live.samples(), ...this.#health.samples(), ...this.#names.samples()];
  }

  /** Nothing is checked, resolved or published any more. */
  stop(): void {
    this.#live.stop();
    this.#connections.close();
  }
}
