// Makes statuses in the cluster say what the translation says, as long as this replica leads; newest state wins.
import { type ObjectRef, objectKey } from "../../model/index.ts";
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import { ApiError, type KubernetesClient, type KubernetesObject } from "../api/client.ts";
import { retryDelayMs, type WaitLimits } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import type { JsonObject } from "../json.ts";
import { type ApiResource, apiPath, type ClusterView, refOf } from "../watch/cluster-view.ts";
import { resourceName } from "../watch/watched-kinds.ts";
import { EventWriter } from "./event-writer.ts";
import { STATUS_KINDS, type StatusKind } from "./status-kinds.ts";
import { statusPatch, type WantedStatus } from "./status-patch.ts";
import { type StatusReport, type WantedStatuses, wantedStatuses } from "./wanted-statuses.ts";
import { WriteOutcomes } from "./write-outcomes.ts";
import { WRITE_LIMITS, type WriteLimits, WriteQueue } from "./write-queue.ts";

export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  readonly view: ClusterView;
  /** By which entries of ours are known. */
  readonly controllerName: string;
  /** Of this replica, as Events name it. */
  readonly identity: string;
  /** Asked before each write, beside what `setLeader` said: a process that stood still may not know yet that it leads no more. */
  readonly mayWrite: () => boolean;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits?: WriteLimits;
}

/** What is known of one object beside what the view says. */
interface Trail {
  readonly kind: StatusKind;
  readonly ref: ObjectRef;
  /** What the API server made of our last write, in place of `basis` until the view has heard of a newer one. */
  written?: { readonly basis: KubernetesObject; readonly result: KubernetesObject; readonly text: string };
  /** What the API server does not take; not tried again. */
  refused?: string;
  /** Its CRD has features as plain names (Gateway API 1.1 and 1.2, experimental), so all else is written without them. */
  takesNoFeatures?: boolean;
  /** Somebody else wrote first, so this version is old. */
  outdated?: KubernetesObject;
  /** What was compared last, and needs no write. */
  settled?: { readonly current: KubernetesObject; readonly wanted: WantedStatus | undefined };
}

/** Comparing waits for a moment of quiet, since each write comes back as a change. */
const VIEW_DELAY_MS = 100;

const URGENCY = { class: 0, gateway: 0, listeners: 0, parents: 1, ancestors: 1 } as const;
const EVENT_URGENCY = 2;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #queue: WriteQueue;
  readonly #outcomes: WriteOutcomes;
  readonly #events: EventWriter;
  readonly #trails = new Map<string, Trail>();
  #leads = false;
  #report: StatusReport | undefined;
  #wanted: WantedStatuses = new Map();
  /** What need not be looked at again: it was compared with what is wanted now. */
  #compared = new WeakSet<KubernetesObject>();
  /** As they were when statuses were compared last. */
  readonly #definitions = new Map<StatusKind, ApiResource | undefined>();
  #cancelCompare: (() => void) | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#outcomes = new WriteOutcomes(options.logger);
    this.#events = new EventWriter({ ...options, outcomes: this.#outcomes });
    this.#queue = new WriteQueue({
      limits: options.limits ?? WRITE_LIMITS,
      clock: options.clock,
      write: (key, signal) => this.#write(key, signal),
      delayMs: (error, attempt) => retryDelayMs(error, attempt, waitLimits(error), options.random),
    });
  }

  /** A new translation, at every replica: one that does not lead keeps it for the moment when it does. */
  report(report: StatusReport): void {
    this.#report = report;
    this.#tell();
  }

  /** Objects changed, perhaps only in their status: what somebody else wrote over ours is put right. */
  viewChanged(): void {
    if (!this.#leads) return;
    this.#cancelCompare ??= this.#options.clock.after(VIEW_DELAY_MS, () => {
      this.#cancelCompare = undefined;
      this.#compare();
    });
  }

  setLeader(leads: boolean): void {
    if (this.#leads === leads) return;
    this.#leads = leads;
    if (leads) {
      this.#tell();
      return;
    }
    this.#cancelCompare?.();
    this.#cancelCompare = undefined;
    this.#queue.clear();
    this.#events.clear();
    // Another leader writes from now on.
    this.#trails.clear();
    this.#compared = new WeakSet();
  }

  samples(): MetricSample[] {
    const waiting = {
      name: "limpet_kubernetes_status_writes_waiting",
      labels: {},
      value: this.#queue.size,
    };
    return [waiting, ...this.#outcomes.samples()];
  }

  #tell(): void {
    if (!this.#leads || this.#report === undefined) return;
    const wanted = wantedStatuses(this.#report, this.#wanted);
    if (wanted !== this.#wanted) this.#compared = new WeakSet();
    this.#wanted = wanted;
    this.#compare();
    for (const key of [...this.#events.choose(this.#report.translation)]) this.#queue.add(key, EVENT_URGENCY);
  }

  /** Every object that has, or should have, a status of ours; each version once, and anew when something else is wanted. */
  #compare(): void {
    if (this.#report === undefined) return;
    let count = 0;
    for (const kind of STATUS_KINDS) {
      const objects = this.#options.view.objects(kind.group, kind.kind);
      if (this.#isDefinedAnew(kind)) this.#forgetRefusals(objects);
      count += objects.length;
      for (const object of objects) if (!this.#compared.has(object)) this.#compareOne(kind, object);
    }
    if (this.#trails.size > count) this.#forgetGone();
  }

  #isDefinedAnew(kind: StatusKind): boolean {
    const definition = this.#options.view.apiResource(kind.group, kind.kind);
    const before = this.#definitions.get(kind);
    this.#definitions.set(kind, definition);
    return before !== definition;
  }

  /** A later CRD may take what the one before refused, or left out. */
  #forgetRefusals(objects: readonly KubernetesObject[]): void {
    for (const object of objects) {
      this.#trails.delete(objectKey(refOf(object)));
      this.#compared.delete(object);
    }
  }

  #compareOne(kind: StatusKind, object: KubernetesObject): void {
    this.#compared.add(object);
    const ref = refOf(object);
    const key = objectKey(ref);
    const trail = this.#trails.get(key) ?? { kind, ref };
    this.#trails.set(key, trail);
    // What waits is compared when its turn comes.
    if (this.#queue.waits(key) || this.#neededPatch(key, trail, object) === undefined) return;
    this.#queue.add(key, URGENCY[kind.shape]);
  }

  #forgetGone(): void {
    for (const [key, { ref }] of this.#trails) {
      if (this.#options.view.object(ref) === undefined) this.#trails.delete(key);
    }
  }

  #neededPatch(key: string, trail: Trail, object: KubernetesObject): JsonObject | undefined {
    const { controllerName, clock } = this.#options;
    const { settled } = trail;
    const current = newest(trail, object);
    const wanted = this.#wanted.get(key);
    if (settled !== undefined && settled.current === current && settled.wanted === wanted) return undefined;
    const told = statusPatch(trail.kind, wanted, current, { controllerName, nowMs: clock.nowMs() });
    const patch = trail.takesNoFeatures ? withoutFeatures(told) : told;
    if (patch !== undefined && !isInVain(trail, patch, current)) return patch;
    trail.settled = { current, wanted };
    return undefined;
  }

  async #write(key: string, signal: AbortSignal): Promise<void> {
    if (!this.#options.mayWrite()) throw new NotNow("another replica may lead already");
    if (this.#events.has(key)) return this.#events.write(key, signal);
    const trail = this.#trails.get(key);
    const object = trail && this.#options.view.object(trail.ref);
    if (trail === undefined || object === undefined) return;
    if (trail.outdated === object) throw new NotNow("the view does not know yet what somebody else wrote");
    const patch = this.#neededPatch(key, trail, object);
    if (patch !== undefined) await this.#writeStatus(trail, object, patch, signal);
  }

  async #writeStatus(
    trail: Trail,
    object: KubernetesObject,
    patch: JsonObject,
    signal: AbortSignal,
  ): Promise<void> {
    const { view, client } = this.#options;
    const { kind, ref } = trail;
    const resource = view.apiResource(kind.group, kind.kind);
    if (resource === undefined) return;
    const { resourceVersion } = newest(trail, object).metadata;
    const path = `${apiPath(resource, ref.namespace, ref.name)}${resource.hasStatus ? "/status" : ""}`;
    try {
      const result = await client.request<KubernetesObject>("PATCH", path, {
        body: { metadata: { resourceVersion }, status: patch },
        contentType: "application/merge-patch+json",
        signal,
      });
      trail.written = { basis: object, result, text: textOf(patch) };
      delete trail.refused;
      delete trail.outdated;
      this.#outcomes.written(resourceName(kind));
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (signal.aborted) return;
      // It is gone, which the view hears soon; or the API server only began, and does not know yet what it has.
      if (status === 404) throw error;
      if (status === 400 || status === 422) {
        await this.#refused(trail, object, { patch, error: error as Error, signal });
        return;
      }
      if (status === 409) trail.outdated = object;
      this.#outcomes.failed(resourceName(kind), error as Error);
      throw error;
    }
  }

  async #refused(
    trail: Trail,
    object: KubernetesObject,
    { patch, error, signal }: { patch: JsonObject; error: Error; signal: AbortSignal },
  ): Promise<void> {
    const { kind, ref } = trail;
    if ("supportedFeatures" in patch) {
      trail.takesNoFeatures = true;
      const rest = this.#neededPatch(objectKey(ref), trail, object);
      if (rest !== undefined) await this.#writeStatus(trail, object, rest, signal);
      return;
    }
    trail.refused = textOf(patch);
    this.#outcomes.refused(resourceName(kind), `${ref.namespace}/${ref.name}`, error);
  }
}

/** Nothing was asked of the API server, and it is tried again soon. */
class NotNow extends Error {}

/** A view is late by milliseconds, a struggling API server by much more. */
function waitLimits(error: unknown): WaitLimits {
  const isSoon = error instanceof NotNow || (error instanceof ApiError && error.status === 409);
  return isSoon ? { firstMs: 50, lastMs: 1_000 } : { firstMs: 500, lastMs: 30_000 };
}

/** What the API server answered, as long as the view has not heard of anything newer. */
function newest({ written }: Trail, object: KubernetesObject): KubernetesObject {
  return written?.basis === object ? written.result : object;
}

/** The API server refused it, or took it and left something out that its version of the CRD does not know. */
function isInVain({ refused, written }: Trail, patch: JsonObject, current: KubernetesObject): boolean {
  const text = textOf(patch);
  if (text === refused) return true;
  return (
    text === written?.text && current.metadata.resourceVersion === written.result.metadata.resourceVersion
  );
}

function textOf(patch: JsonObject): string {
  return JSON.stringify(patch, (field, value: unknown) =>
    field === "lastTransitionTime" ? undefined : value,
  );
}

function withoutFeatures(patch: JsonObject | undefined): JsonObject | undefined {
  const { supportedFeatures: _, ...rest } = patch ?? {};
  return Object.keys(rest).length === 0 ? undefined : rest;
}
