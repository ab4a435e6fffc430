// Elects one replica by a Lease: its holder writes, and the others wait until it was not renewed for as long as it holds.
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import { ApiError, type KubernetesClient, type KubernetesObject } from "../api/client.ts";
import { microTime } from "../api/time.ts";
import type { Clock } from "../clock.ts";
import { apiPath } from "../watch/cluster-view.ts";
import { LEASE, newLease, readLease, withSpec } from "./lease.ts";

export interface LeaderElectionOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** No other process may have it, not even the next one of the same pod. */
  readonly identity: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** How long others wait after the last renewal that they saw; whole seconds. Default 15,000. */
  readonly leaseMs?: number;
  /** How long this replica leads after it asked for a renewal that was granted; well below `leaseMs`. Default 10,000. */
  readonly renewDeadlineMs?: number;
  /** Between two renewals, and, made up to 1.2 times longer at random, between two looks at a Lease of another. Default 2,000. */
  readonly retryMs?: number;
  readonly onStartedLeading: () => void;
  /** Before any other replica can lead. */
  readonly onStoppedLeading: () => void;
}

/** The Lease as it was last heard of. */
interface Observed {
  readonly lease: KubernetesObject;
  /** Monotonic: when this replica first knew of this version. */
  readonly atMs: number;
}

const JITTER = 1.2;

/**
 * Goes by what it sees and by its own clock's pace, never by times that others wrote, as client-go does: clocks may be
 * hours apart, but must run equally fast within `leaseMs / renewDeadlineMs`. Whoever leads stops by itself
 * `renewDeadlineMs` after it *sent* the last renewal that was granted; others take over `leaseMs` after they *saw* it.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #leaseMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #path: string;
  #observed: Observed | undefined;
  #leading = false;
  /** Monotonic. */
  #leadsUntilMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  /** It has asked for the Lease at least once, and may have got it though no answer came. */
  #hasAsked = false;
  #attempt: Promise<void> | undefined;
  #attemptAbort = new AbortController();
  #cancelNext: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;
  #complained = "";

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2000;
    if (this.#renewDeadlineMs >= this.#leaseMs || this.#retryMs >= this.#renewDeadlineMs) {
      throw new RangeError(
        "a leader has to try again before its deadline, and that has to be before others take over",
      );
    }
    this.#path = apiPath(LEASE, options.namespace, options.name);
  }

  start(): void {
    this.#round();
  }

  /** Gives the Lease back, so that another replica leads at once. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelNext?.();
    this.#attemptAbort.abort();
    this.#stopLeading();
    await this.#attempt;
    if (!this.#hasAsked) return;
    try {
      await this.#release();
    } catch (error) {
      this.#options.logger.warn(
        { reason: (error as Error).message },
        "the leader's Lease was not given back",
      );
    }
  }

  /**
   * True by the clock, also before a process that was stopped for a while has noticed: ask before anything is written
   * that another leader might write too.
   */
  isLeader(): boolean {
    return this.#leading && this.#options.clock.monotonicMs() < this.#leadsUntilMs;
  }

  samples(): MetricSample[] {
    const transitions = this.#observed === undefined ? 0 : readLease(this.#observed.lease).transitions;
    return [
      { name: "limpet_kubernetes_leader", labels: {}, value: this.isLeader() ? 1 : 0 },
      { name: "limpet_kubernetes_leader_transitions_total", labels: {}, value: transitions },
    ];
  }

  #round(): void {
    this.#attemptAbort = new AbortController();
    this.#attempt = this.#tryToLead()
      .then(
        () => {
          this.#complained = "";
        },
        (error: unknown) => this.#complain(error),
      )
      .then(() => {
        this.#attempt = undefined;
        if (this.#stopped) return;
        const delayMs = this.#leading ? this.#retryMs : this.#nextLookMs();
        this.#cancelNext = this.#options.clock.after(delayMs, () => this.#round());
      });
  }

  /** At random, so that replicas do not come all at once, but no later than when the Lease of another has run out. */
  #nextLookMs(): number {
    const { clock, random } = this.#options;
    const usualMs = this.#retryMs * (1 + JITTER * random());
    if (this.#observed === undefined) return usualMs;
    const { durationMs = this.#leaseMs } = readLease(this.#observed.lease);
    const leftMs = this.#observed.atMs + durationMs - clock.monotonicMs();
    return leftMs > 0 ? Math.min(usualMs, leftMs) : usualMs;
  }

  async #tryToLead(): Promise<void> {
    const { identity } = this.#options;
    const known = this.#observed?.lease;
    if (known !== undefined && readLease(known).holder === identity) {
      try {
        return await this.#renew(known);
      } catch (error) {
        // Somebody wrote it meanwhile, deleted it, or an answer to a renewal got lost: look at what is there.
        if (!isStatus(error, 409, 404)) throw error;
      }
    }
    const lease = await this.#read();
    if (lease === undefined) {
      this.#lose("");
      // Whoever holds one that was deleted may not know of it yet.
      if (known === undefined || this.#isFree(known)) await this.#createOrLook();
      return;
    }
    const { holder } = readLease(lease);
    if (holder === identity) return this.#renew(lease);
    this.#lose(holder);
    if (this.#isFree(lease)) await this.#takeOver(lease);
  }

  async #read(): Promise<KubernetesObject | undefined> {
    try {
      const lease = await this.#request("GET", this.#path);
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      return undefined;
    }
  }

  /** Somebody else may be first, and what he made be deleted the next moment: it has to be known that he leads. */
  async #createOrLook(): Promise<void> {
    try {
      await this.#create();
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      await this.#read();
    }
  }

  async #create(): Promise<void> {
    const { namespace, name, identity, clock } = this.#options;
    const time = microTime(clock.nowMs());
    const spec = { ...this.#held(), holderIdentity: identity, acquireTime: time, leaseTransitions: 0 };
    await this.#hold("POST", apiPath(LEASE, namespace), newLease(namespace, name, spec));
  }

  async #takeOver(lease: KubernetesObject): Promise<void> {
    const { identity, clock } = this.#options;
    const acquireTime = microTime(clock.nowMs());
    const leaseTransitions = readLease(lease).transitions + 1;
    const spec = { ...this.#held(), holderIdentity: identity, acquireTime, leaseTransitions };
    await this.#hold("PUT", this.#path, withSpec(lease, spec));
  }

  async #renew(lease: KubernetesObject): Promise<void> {
    await this.#hold("PUT", this.#path, withSpec(lease, this.#held()));
  }

  #held(): Readonly<Record<string, unknown>> {
    return {
      leaseDurationSeconds: Math.round(this.#leaseMs / 1000),
      renewTime: microTime(this.#options.clock.nowMs()),
    };
  }

  async #hold(method: "POST" | "PUT", path: string, body: KubernetesObject): Promise<void> {
    const sentMs = this.#options.clock.monotonicMs();
    this.#hasAsked = true;
    const lease = await this.#request(method, path, body);
    this.#observe(lease);
    const { holder } = readLease(lease);
    // What was answered counts, not what was asked for: somebody between may change it, or say yes to anything.
    if (holder !== this.#options.identity) return this.#lose(holder);
    const untilMs = sentMs + this.#renewDeadlineMs;
    // An answer that took too long grants nothing that is left; the Lease is ours all the same, and renewed next time.
    if (this.#stopped || this.#options.clock.monotonicMs() >= untilMs) return;
    this.#leadsUntilMs = untilMs;
    this.#watchDeadline();
    if (this.#leading) return;
    this.#leading = true;
    this.#options.logger.info({ identity: this.#options.identity }, "this replica leads");
    this.#options.onStartedLeading();
  }

  async #release(): Promise<void> {
    const { client, identity, clock } = this.#options;
    const limits = { timeoutMs: this.#requestMs() };
    const lease = await client.request<KubernetesObject>("GET", this.#path, limits);
    if (readLease(lease).holder !== identity) return;
    const spec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(clock.nowMs()) };
    await client.request("PUT", this.#path, { ...limits, body: withSpec(lease, spec) });
  }

  #request(method: "GET" | "POST" | "PUT", path: string, body?: KubernetesObject): Promise<KubernetesObject> {
    const limits = { timeoutMs: this.#requestMs(), signal: this.#attemptAbort.signal };
    return this.#options.client.request(method, path, body === undefined ? limits : { ...limits, body });
  }

  /** One request that gets no answer leaves time for another before the deadline. */
  #requestMs(): number {
    return this.#renewDeadlineMs / 2;
  }

  /** Time begins anew with each version, whoever wrote it and whenever: what it says of times is not believed. */
  #observe(lease: KubernetesObject): void {
    const version = lease.metadata.resourceVersion;
    if (this.#observed !== undefined && this.#observed.lease.metadata.resourceVersion === version) return;
    this.#observed = { lease, atMs: this.#options.clock.monotonicMs() };
  }

  /** @param lease the one that was observed last */
  #isFree(lease: KubernetesObject): boolean {
    const { holder, durationMs = this.#leaseMs } = readLease(lease);
    if (holder === "" || holder === this.#options.identity) return true;
    if (this.#observed === undefined) return false;
    return this.#options.clock.monotonicMs() >= this.#observed.atMs + durationMs;
  }

  #watchDeadline(): void {
    const { clock } = this.#options;
    this.#cancelDeadline?.();
    this.#cancelDeadline = clock.after(this.#leadsUntilMs - clock.monotonicMs(), () => {
      this.#options.logger.warn(
        "the leader's Lease could not be renewed in time, so this replica stops leading",
      );
      this.#stopLeading();
    });
  }

  #lose(holder: string): void {
    if (!this.#leading) return;
    this.#options.logger.warn(
      { holder },
      "the leader's Lease is another replica's, so this one stops leading",
    );
    this.#stopLeading();
  }

  #stopLeading(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
    if (!this.#leading) return;
    this.#leading = false;
    this.#leadsUntilMs = Number.NEGATIVE_INFINITY;
    this.#options.onStoppedLeading();
  }

  #complain(error: unknown): void {
    // Two replicas were there at the same time, and one of them came first: that is how it should be.
    if (this.#stopped || isStatus(error, 409)) return;
    const reason = (error as Error).message;
    const level = reason === this.#complained ? "debug" : "warn";
    this.#complained = reason;
    const permission = isStatus(error, 403)
      ? { hint: "allow get, create and update of leases in coordination.k8s.io" }
      : {};
    this.#options.logger[level]({ reason, ...permission }, "the leader's Lease could not be read or written");
  }
}

function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiError && statuses.includes(error.status);
}
