// Writes Events for findings that no condition can tell: each once an hour, whoever leads.
import type { Translation } from "../../dialects/translation.ts";
import type { Finding, ObjectRef } from "../../model/index.ts";
import { ApiError, type KubernetesClient } from "../api/client.ts";
import type { Clock } from "../clock.ts";
import { apiPath, type ClusterView } from "../watch/cluster-view.ts";
import { resourceName } from "../watch/watched-kinds.ts";
import { EVENT, eventName, eventNamespace, findingEvent, findingsForEvents } from "./finding-events.ts";
import type { WriteOutcomes } from "./write-outcomes.ts";

/** An API server forgets Events after an hour, unless it is told otherwise. */
const EVENT_LIFE_MS = 3_600_000;

/** The namespace goes away, or is closed to us; nobody can tell this: not tried again. */
const HOPELESS: ReadonlySet<number> = new Set([400, 403, 404, 422]);

export interface EventWriterOptions {
  readonly client: KubernetesClient;
  readonly view: ClusterView;
  readonly controllerName: string;
  readonly identity: string;
  readonly clock: Clock;
  readonly outcomes: WriteOutcomes;
}

interface Pending {
  readonly finding: Finding;
  readonly object: ObjectRef;
  readonly name: string;
}

export class EventWriter {
  readonly #options: EventWriterOptions;
  /** By the key of their write. */
  readonly #pending = new Map<string, Pending>();
  /** When Events were written, in wall clock. */
  readonly #told = new Map<string, number>();

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  /** Keys of the Events that are to be written, instead of those from before. */
  choose(translation: Translation): Iterable<string> {
    const { clock, view } = this.#options;
    const nowMs = clock.nowMs();
    for (const [key, atMs] of this.#told) if (nowMs - atMs >= EVENT_LIFE_MS) this.#told.delete(key);
    this.#pending.clear();
    for (const finding of findingsForEvents(translation)) {
      const object = finding.object as ObjectRef;
      const uid = view.object(object)?.metadata.uid;
      if (uid === undefined) continue;
      const name = eventName(finding, object, uid);
      const key = `Event ${eventNamespace(object)}/${name}`;
      if (!this.#told.has(key)) this.#pending.set(key, { finding, object, name });
    }
    return this.#pending.keys();
  }

  has(key: string): boolean {
    return this.#pending.has(key);
  }

  clear(): void {
    this.#pending.clear();
  }

  /** Rejects where it is worth trying again. */
  async write(key: string, signal: AbortSignal): Promise<void> {
    const { view, client, controllerName, identity, clock, outcomes } = this.#options;
    const pending = this.#pending.get(key);
    const about = pending && view.object(pending.object);
    if (pending === undefined || about === undefined) return;
    const { finding, object, name } = pending;
    const nowMs = clock.nowMs();
    const body = findingEvent(finding, about, { object, name, controllerName, identity, nowMs });
    try {
      await client.request("POST", apiPath(EVENT, eventNamespace(object)), { body, signal });
      outcomes.written(resourceName(EVENT));
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof ApiError ? error.status : 0;
      // 409: another leader told it within the hour.
      if (status !== 409) outcomes.failed(resourceName(EVENT), error as Error);
      if (status !== 409 && !HOPELESS.has(status)) throw error;
    }
    this.#told.set(key, nowMs);
    this.#pending.delete(key);
  }
}
