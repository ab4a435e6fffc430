// Makes statuses in the cluster say what the translation says, as long as this replica leads; newest state wins.
import type { Resource, Translation } from "../../dialects/translation.ts";
import { type Finding, type ObjectRef, objectKey } from "../../model/index.ts";
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import { ApiError, type KubernetesClient, type KubernetesObject } from "../api/client.ts";
import type { Clock } from "../clock.ts";
import { apiPath, type ClusterView } from "../watch/cluster-view.ts";
import { resourceName } from "../watch/watched-kinds.ts";
import {
  EVENT,
  EVENT_LIFE_MS,
  eventName,
  eventNamespace,
  findingEvent,
  findingsForEvents,
} from "./finding-events.ts";
import type { JsonObject } from "./json.ts";
import { STATUS_KINDS, type StatusKind, statusKind } from "./status-kinds.ts";
import { statusPatch, type WantedStatus } from "./status-patch.ts";
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

export interface StatusReport {
  /** What was translated. */
  readonly resources: readonly Resource[];
  readonly translation: Translation;
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

type WriteResult = "written" | "conflict" | "refused" | "failed";

/** Statuses wait for a moment of quiet, since each write comes back as a change. */
const VIEW_DELAY_MS = 100;

const URGENCY = { class: 0, gateway: 0, listeners: 0, parents: 1, ancestors: 1 } as const;
const EVENT_URGENCY = 2;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #queue: WriteQueue;
  #leads = false;
  #report: StatusReport | undefined;
  #wanted: ReadonlyMap<string, WantedStatus> = new Map();
  readonly #trails = new Map<string, Trail>();
  /** By the key of their write. */
  readonly #events = new Map<string, { readonly finding: Finding; readonly object: ObjectRef }>();
  /** When Events were written, in wall clock. */
  readonly #told = new Map<string, number>();
  readonly #counts = new Map<string, { kind: string; result: WriteResult; value: number }>();
  readonly #complaints = new Set<string>();
  #cancelCompare: (() => void) | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#queue = new WriteQueue({
      limits: options.limits ?? WRITE_LIMITS,
      clock: options.clock,
      random: options.random,
      write: (key, signal) => this.#write(key, signal),
      delayMs: retryDelayMs,
    });
  }

  /** A new translation, of everybody: who does not lead keeps it for the moment when it does. */
  report(report: StatusReport): void {
    this.#report = report;
    this.#wanted = wantedStatuses(report, this.#wanted);
    this.#compare();
    this.#tellEvents();
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
    if (!leads) {
      this.#cancelCompare?.();
      this.#cancelCompare = undefined;
      this.#queue.clear();
      this.#events.clear();
      // Another leader writes from now on.
      this.#trails.clear();
      return;
    }
    this.#compare();
    this.#tellEvents();
  }

  samples(): MetricSample[] {
    return [
      { name: "limpet_kubernetes_status_writes_waiting", labels: {}, value: this.#queue.size },
      ...[...this.#counts.values()].map(({ kind, result, value }) => {
        return { name: "limpet_kubernetes_status_writes_total", labels: { kind, result }, value };
      }),
    ];
  }

  /** Every object that has, or should have, a status of ours. */
  #compare(): void {
    if (!this.#leads || this.#report === undefined) return;
    const there = new Set<string>();
    for (const kind of STATUS_KINDS) {
      for (const object of this.#options.view.objects(kind.group, kind.kind)) {
        const ref = refOf(kind, object);
        const key = objectKey(ref);
        there.add(key);
        const trail = this.#trails.get(key) ?? { kind, ref };
        this.#trails.set(key, trail);
        if (this.#neededPatch(key, trail, object) !== undefined) this.#queue.add(key, URGENCY[kind.shape]);
      }
    }
    for (const key of this.#trails.keys()) if (!there.has(key)) this.#trails.delete(key);
  }

  #neededPatch(key: string, trail: Trail, object: KubernetesObject): JsonObject | undefined {
    const { controllerName, clock } = this.#options;
    const { written, settled } = trail;
    const current = written?.basis === object ? written.result : object;
    const wanted = this.#wanted.get(key);
    if (settled !== undefined && settled.current === current && settled.wanted === wanted) return undefined;
    const told = statusPatch(trail.kind, wanted, current, { controllerName, nowMs: clock.nowMs() });
    const patch = trail.takesNoFeatures ? withoutFeatures(told) : told;
    if (patch !== undefined && !this.#isInVain(trail, patch, current)) return patch;
    trail.settled = { current, wanted };
    return undefined;
  }

  /** The API server refused it, or took it and left something out that its version of the CRD does not know. */
  #isInVain({ refused, written }: Trail, patch: JsonObject, current: KubernetesObject): boolean {
    const text = textOf(patch);
    const version = current.metadata.resourceVersion;
    return (
      text === refused || (text === written?.text && version === written.result.metadata.resourceVersion)
    );
  }

  async #write(key: string, signal: AbortSignal): Promise<void> {
    if (!this.#leads || !this.#options.mayWrite()) return;
    const event = this.#events.get(key);
    if (event !== undefined) return this.#writeEvent(key, event, signal);
    const trail = this.#trails.get(key);
    const object = trail && this.#options.view.object(trail.ref);
    if (trail === undefined || object === undefined) return;
    if (trail.outdated === object) throw new Outdated("the view does not know yet what somebody else wrote");
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
    const { written } = trail;
    const { resourceVersion } = (written?.basis === object ? written.result : object).metadata;
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
      this.#count(resourceName(kind), "written");
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (signal.aborted || status === 404) return;
      if (status === 409) trail.outdated = object;
      if (status !== 400 && status !== 422) throw this.#failed(resourceName(kind), error);
      if ("supportedFeatures" in patch) {
        trail.takesNoFeatures = true;
        const rest = this.#neededPatch(objectKey(ref), trail, object);
        return rest && this.#writeStatus(trail, object, rest, signal);
      }
      trail.refused = textOf(patch);
      this.#count(resourceName(kind), "refused");
      const fields = {
        object: `${ref.namespace}/${ref.name}`,
        kind: kind.kind,
        reason: (error as Error).message,
      };
      this.#options.logger.error(fields, "the API server takes no such status; it is left as it is");
    }
  }

  #tellEvents(): void {
    if (!this.#leads || this.#report === undefined) return;
    const { clock, view } = this.#options;
    const nowMs = clock.nowMs();
    for (const [key, atMs] of this.#told) if (nowMs - atMs >= EVENT_LIFE_MS) this.#told.delete(key);
    this.#events.clear();
    for (const finding of findingsForEvents(this.#report.translation)) {
      const object = finding.object as ObjectRef;
      const uid = view.object(object)?.metadata.uid;
      if (uid === undefined) continue;
      const key = `Event ${eventNamespace(object)}/${eventName(finding, object, uid)}`;
      if (this.#told.has(key)) continue;
      this.#events.set(key, { finding, object });
      this.#queue.add(key, EVENT_URGENCY);
    }
  }

  async #writeEvent(
    key: string,
    { finding, object }: { finding: Finding; object: ObjectRef },
    signal: AbortSignal,
  ): Promise<void> {
    const { view, client, controllerName, identity, clock } = this.#options;
    const about = view.object(object);
    if (about?.metadata.uid === undefined) return;
    const nowMs = clock.nowMs();
    const name = eventName(finding, object, about.metadata.uid);
    const body = findingEvent(finding, about, { object, name, controllerName, identity, nowMs });
    try {
      await client.request("POST", apiPath(EVENT, eventNamespace(object)), { body, signal });
      this.#count(resourceName(EVENT), "written");
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (signal.aborted) return;
      // 409: it is there already. 403, 404: its namespace goes away. 422: nobody can tell this.
      if (status !== 409 && status !== 403 && status !== 404 && status !== 422)
        throw this.#failed(resourceName(EVENT), error);
      if (status !== 409) this.#failed(resourceName(EVENT), error);
    }
    this.#told.set(key, nowMs);
    this.#events.delete(key);
  }

  /** Each sort of failure is told once, until one of that kind of object succeeds. */
  #failed(kind: string, error: unknown): unknown {
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 409) {
      this.#count(kind, "conflict");
      return error;
    }
    this.#count(kind, "failed");
    const complaint = `${kind} ${status}`;
    const level = this.#complaints.has(complaint) ? "debug" : "warn";
    this.#complaints.add(complaint);
    const { logger } = this.#options;
    logger[level](
      { kind, reason: (error as Error).message },
      "a status could not be written; it is tried again",
    );
    return error;
  }

  #count(kind: string, result: WriteResult): void {
    const key = `${kind} ${result}`;
    const known = this.#counts.get(key) ?? { kind, result, value: 0 };
    known.value++;
    this.#counts.set(key, known);
    if (result !== "written") return;
    for (const complaint of this.#complaints) {
      if (complaint.startsWith(`${kind} `)) this.#complaints.delete(complaint);
    }
  }
}

/** Nothing was asked: the view has to catch up first. */
class Outdated extends Error {}

/** A view is late by milliseconds, a struggling API server by much more. */
function retryDelayMs(error: unknown, attempt: number): number {
  const isConflict = error instanceof Outdated || (error instanceof ApiError && error.status === 409);
  if (isConflict) return Math.min(1000, 25 * 2 ** attempt);
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  return Math.max(asked ?? 0, Math.min(30_000, 250 * 2 ** attempt));
}

function withoutFeatures(patch: JsonObject | undefined): JsonObject | undefined {
  const { supportedFeatures: _, ...rest } = patch ?? {};
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function textOf(patch: JsonObject): string {
  return JSON.stringify(patch, (field, value: unknown) =>
    field === "lastTransitionTime" ? undefined : value,
  );
}

function refOf({ group, kind }: StatusKind, { metadata }: KubernetesObject): ObjectRef {
  return { group, kind, namespace: metadata.namespace ?? "", name: metadata.name };
}

/** One that says the same as before stays the same object, by which what was compared is known again. */
function wantedStatuses(
  { resources, translation }: StatusReport,
  before: ReadonlyMap<string, WantedStatus>,
): ReadonlyMap<string, WantedStatus> {
  const findings = new Map<string, Finding[]>();
  for (const finding of translation.findings) {
    if (finding.object === undefined || statusKind(finding.object) === undefined) continue;
    const key = objectKey(finding.object);
    const known = findings.get(key);
    if (known === undefined) findings.set(key, [finding]);
    else known.push(finding);
  }
  const written = new Map<string, unknown>();
  for (const { object, value } of resources) {
    if (statusKind(object) === undefined) continue;
    const key = objectKey(object);
    // Of an object that is there twice the first counts.
    if (!written.has(key)) written.set(key, value);
  }
  return new Map(
    translation.statuses
      .filter(({ object }) => statusKind(object) !== undefined)
      .map((status) => {
        const key = objectKey(status.object);
        const wanted = { status, findings: findings.get(key) ?? [], written: written.get(key) };
        const known = before.get(key);
        return [key, known !== undefined && saysTheSame(known, wanted) ? known : wanted];
      }),
  );
}

function saysTheSame(a: WantedStatus, b: WantedStatus): boolean {
  return (
    a.status === b.status &&
    a.written === b.written &&
    a.findings.length === b.findings.length &&
    a.findings.every((finding, index) => finding === b.findings[index])
  );
}
