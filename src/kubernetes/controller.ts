// The controller: what one replica knows of its cluster, and what it writes there while it leads.
import { randomUUID } from "node:crypto";
import type { PlaceGateways } from "../dialects/gateway-api/placement.ts";
import type { Resource, Translation } from "../dialects/translation.ts";
import type { Logger, MetricSample } from "../telemetry/index.ts";
import { type AddressSource, GatewayAddresses } from "./addresses/gateway-addresses.ts";
import type { KubernetesClient } from "./api/client.ts";
import type { Clock } from "./clock.ts";
import { LeaderElection } from "./leader/leader-election.ts";
import { LEADER_LEASE } from "./leader/lease.ts";
import { type KeptKeys, SessionKeySecret } from "./session-key-secret.ts";
import { Settling } from "./settling.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { withUnbound } from "./unbound-listeners.ts";
import type { ClusterView } from "./watch/cluster-view.ts";
import { ClusterWatch } from "./watch/cluster-watch.ts";

/** GatewayClasses that name it are this gateway's. */
export const CONTROLLER_NAME = "limpet.dev/gateway";

/** Changes come in bursts, of a rollout or of a `kubectl apply`. */
const QUIET_MS = 50;
const LONGEST_MS = 250;
/**
 * Another replica leads within five seconds of a leader's death. Leading is cheap to lose and to get: traffic does not ask for
 * it, and a new leader writes only what differs.
 */
const LEADER_TIMES = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 700 };
/** A listener that could not be bound is tried again: its address may come, or its port be free. */
const UNBOUND_RETRY_MS = 5_000;

export interface ControllerOptions {
  readonly client: KubernetesClient;
  /** Where the Lease is. */
  readonly namespace: string;
  /** Name of the pod. */
  readonly identity: string;
  readonly addressSource: AddressSource;
  /** Name of the Secret with the keys of session tokens, in the same namespace as the Lease. */
  readonly sessionKeysSecret: string;
  readonly randomBytes: (size: number) => Buffer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** What a translation is made of. */
export interface ClusterState {
  readonly resources: readonly Resource[];
  readonly place: PlaceGateways;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #watch: ClusterWatch;
  readonly #election: LeaderElection;
  readonly #statuses: StatusWriter;
  readonly #addresses: GatewayAddresses;
  readonly #sessionKeys: SessionKeySecret;
  #settling: Settling | undefined;
  #read: ClusterState | undefined;
  #cancelRetry: (() => void) | undefined;
  #resigned: Promise<void> | undefined;
  readonly #stopped = Promise.withResolvers<never>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    // Only who waits for the cluster wants to know.
    this.#stopped.promise.catch(() => {});
    const { client, namespace, identity, clock, random, logger } = options;
    const common = { client, clock, random, logger };
    this.#watch = new ClusterWatch({ ...common, onChange: () => this.#changed() });
    const writing = {
      ...common,
      view: this.#watch,
      controllerName: CONTROLLER_NAME,
      mayWrite: () => this.#election.isLeader(),
    };
    this.#addresses = new GatewayAddresses({
      ...writing,
      source: options.addressSource,
      namespace,
      pod: identity,
      onChange: () => this.#settling?.changed(),
    });
    this.#statuses = new StatusWriter({ ...writing, identity });
    this.#sessionKeys = new SessionKeySecret({
      ...common,
      view: this.#watch,
      namespace,
      name: options.sessionKeysSecret,
      randomBytes: options.randomBytes,
    });
    this.#election = new LeaderElection({
      ...common,
      ...LEADER_TIMES,
      namespace,
      name: LEADER_LEASE,
      identity: `${identity}_${randomUUID()}`,
      onStartedLeading: () => this.#lead(true),
      onStoppedLeading: () => this.#lead(false),
    });
  }

  get view(): ClusterView {
    return this.#watch;
  }

  /** Of all replicas. */
  get sessionKeys(): KeptKeys {
    const keys = this.#sessionKeys;
    return {
      place: keys.place,
      read: async () => {
        await this.#heard();
        return keys.read();
      },
      follow: (onChange) => keys.follow(onChange),
    };
  }

  start(): void {
    this.#watch.start();
    this.#election.start();
  }

  /** What the cluster says now, once all of it has been heard. Rejects if the controller is stopped before. */
  async state(): Promise<ClusterState> {
    await this.#heard();
    this.#read = { resources: this.#watch.resources(), place: this.#addresses.place() };
    return this.#read;
  }

  /** Calls `onChange` when `state` would answer something else than it did last, and things have come to rest. */
  follow(onChange: () => Promise<void>): void {
    const act = () => (this.#isRead() ? Promise.resolve() : onChange());
    this.#settling = new Settling({
      quietMs: QUIET_MS,
      longestMs: LONGEST_MS,
      clock: this.#options.clock,
      act,
    });
    this.#settling.changed();
  }

  /** @param unbound by id of a listener: why nobody can connect to it */
  report(state: ClusterState, translation: Translation, unbound: ReadonlyMap<string, string>): void {
    const statuses = withUnbound(translation.statuses, unbound);
    this.#statuses.report({ resources: state.resources, translation: { ...translation, statuses } });
    this.#addresses.report(translation);
    this.#cancelRetry?.();
    if (unbound.size === 0) return;
    this.#cancelRetry = this.#options.clock.after(UNBOUND_RETRY_MS, () => {
      this.#read = undefined;
      this.#settling?.changed();
    });
  }

  /** Another replica leads from now on, if there is one. */
  resign(): Promise<void> {
    this.#resigned ??= this.#election.stop();
    return this.#resigned;
  }

  async stop(): Promise<void> {
    this.#stopped.reject(new Error("stopped before all of the cluster was heard of"));
    this.#cancelRetry?.();
    this.#settling?.stop();
    await this.resign();
    this.#sessionKeys.stop();
    await this.#addresses.stop();
    await this.#watch.stop();
  }

  samples(): MetricSample[] {
    return [...this.#watch.samples(), ...this.#election.samples(), ...this.#statuses.samples()];
  }

  /** Resolves when all of the cluster was heard of; rejects if it is stopped before. */
  async #heard(): Promise<void> {
    await Promise.race([this.#watch.synced, this.#stopped.promise]);
  }

  #isRead(): boolean {
    const read = this.#read;
    return read?.resources === this.#watch.resources() && read.place === this.#addresses.place();
  }

  #changed(): void {
    this.#settling?.changed();
    this.#statuses.viewChanged();
    this.#sessionKeys.viewChanged();
  }

  #lead(leads: boolean): void {
    this.#statuses.setLeader(leads);
    this.#addresses.setLeader(leads);
    this.#settling?.changed();
  }
}
