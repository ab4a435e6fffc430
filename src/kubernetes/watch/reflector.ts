// Keeps a copy of one collection of the API: lists it in pages, then watches, and begins again wherever that breaks.
import type { Logger } from "../../telemetry/index.ts";
import {
  ApiError,
  type KubernetesClient,
  type KubernetesObject,
  type ListPage,
  QUIET,
  type WatchEvent,
} from "../api/client.ts";
import { apiError, type Status } from "../api/response.ts";
import { Backoff, pause } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { isOutage, type ServerProbe } from "./server-probe.ts";

/** Whoever holds the copy. What is kept of an object is made as it arrives, so that lists need not fit into memory. */
export interface Copy<Kept> {
  keep(object: KubernetesObject): Kept;
  /** The collection is this, and nothing else. */
  replace(all: readonly Kept[]): void;
  put(one: Kept): void;
  remove(object: KubernetesObject): void;
}

export interface ReflectorOptions<Kept> {
  readonly client: KubernetesClient;
  /** Of the collection, over all namespaces. */
  readonly path: string;
  /** `httproutes.gateway.networking.k8s.io`, as RBAC names it. */
  readonly name: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
  /** Objects a page; default 500. */
  readonly pageSize?: number;
  readonly copy: Copy<Kept>;
  readonly probe: ServerProbe;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** The collection was listed once, or is refused for good; called once. */
  readonly onSettled: () => void;
}

const PAGE_SIZE = 500;
const LIST_TIMEOUT_MS = 60_000;
/** A watch ends by itself after a time between these, so that connections spread over the API servers again. */
const MIN_WATCH_SEC = 300;
const MAX_WATCH_SEC = 600;
/** The API server sends a bookmark about once a minute, of kinds of which something has changed since it began. */
export const QUIET_LIMIT_MS = 90_000;
/** A server that just began refuses what it will permit, and does not know kinds that it has. */
export const REFUSED_FOR_GOOD_MS = 10_000;
/** A watch that cannot be taken up again, whatever the reason: storage that was restored has lower versions than we know. */
const FAILURES_BEFORE_LIST = 3;
/**
 * They say nothing of the version: too many asked, or credentials were old. All who are told so at once would list at once,
 * and a server that cannot serve watches, as one that just began, can serve lists even less.
 */
const OF_NO_VERSION: ReadonlySet<number> = new Set([401, 429]);
/** A watch that lasted so long was one, even if nothing happened in it. */
const HELD_MS = 5_000;

export class Reflector<Kept> {
  readonly #options: ReflectorOptions<Kept>;
  readonly #backoff: Backoff;
  /** Failures since the last watch that held which may be the version's. */
  #doubts = 0;
  /** Undefined: a list is due. */
  #version: string | undefined;
  #isSettled = false;
  #refusedSinceMs: number | undefined;
  #isTold = false;
  #heardMs: number;
  #lists = 0;
  #watches = 0;
  readonly #failures = new Map<string, number>();

  constructor(options: ReflectorOptions<Kept>) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#heardMs = options.clock.monotonicMs();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Lists and watches begun; failures by HTTP status, or `none` where there was no answer. */
  get counts(): {
    readonly lists: number;
    readonly watches: number;
    readonly failures: ReadonlyMap<string, number>;
  } {
    return { lists: this.#lists, watches: this.#watches, failures: this.#failures };
  }

  /** Since the server last said something: an event, a bookmark, a list, or that a watch begins. */
  get silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#heardMs;
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#list(signal);
        await this.#watch(this.#version, signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  /** Answers with the version that the list is of. */
  async #list(signal: AbortSignal): Promise<string> {
    const {
      client,
      path,
      fieldSelector,
      metadataOnly = false,
      pageSize = PAGE_SIZE,
      copy,
      clock,
    } = this.#options;
    this.#lists += 1;
    const all: Kept[] = [];
    let token = "";
    for (;;) {
      // No resourceVersion: never older than what we had. API servers since 1.34 answer out of their cache all the same.
      const query = {
        limit: pageSize,
        ...(token === "" ? {} : { continue: token }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      };
      const page = await client.request<ListPage>("GET", path, {
        query,
        timeoutMs: LIST_TIMEOUT_MS,
        signal,
        metadataOnly,
      });
      signal.throwIfAborted();
      for (const item of page.items) all.push(copy.keep(item));
      token = page.metadata.continue ?? "";
      if (token !== "") continue;
      copy.replace(all);
      this.#heardMs = clock.monotonicMs();
      this.#settle();
      return page.metadata.resourceVersion;
    }
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { client, path, fieldSelector, metadataOnly = false, clock, random } = this.#options;
    this.#watches += 1;
    const seconds = MIN_WATCH_SEC + Math.floor(random() * (MAX_WATCH_SEC - MIN_WATCH_SEC));
    let isHeld = false;
    /** A server may take its time to refuse one, too. */
    let openedMs = Number.POSITIVE_INFINITY;
    const onOpen = () => {
      openedMs = clock.monotonicMs();
      this.#heardMs = openedMs;
    };
    const onEvent = (event: WatchEvent) => {
      signal.throwIfAborted();
      isHeld = true;
      this.#take(event);
    };
    try {
      await client.watch(
        path,
        {
          resourceVersion: version,
          allowWatchBookmarks: true,
          timeoutSeconds: seconds,
          ...(fieldSelector === undefined ? {} : { fieldSelector }),
        },
        { onEvent, onOpen, quietLimitMs: QUIET_LIMIT_MS, signal, metadataOnly },
      );
    } catch (error) {
      // Whether the connection is dead shows when the watch is begun anew.
      if (!(error instanceof ApiError) || error.reason !== QUIET) throw error;
    } finally {
      if (clock.monotonicMs() - openedMs >= HELD_MS) {
        isHeld = true;
        this.#held();
      }
    }
    if (!isHeld) throw new ApiError(`GET ${path}: the watch ended as soon as it began`, { status: 0 });
  }

  #take({ type, object }: WatchEvent): void {
    const { copy, path, clock } = this.#options;
    if (type === "ERROR") throw apiError(`GET ${path}`, object as Status);
    if (type === "DELETED") copy.remove(object);
    else if (type !== "BOOKMARK") copy.put(copy.keep(object));
    this.#version = object.metadata.resourceVersion ?? this.#version;
    this.#heardMs = clock.monotonicMs();
    this.#held();
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, probe, path, logger } = this.#options;
    if (!(error instanceof ApiError)) {
      // Ours: nothing that a server says may end a watch for ever.
      logger.error({ err: error, path }, "what the API server sent could not be taken");
      this.#version = undefined;
      await pause(clock, this.#backoff.nextMs(), signal);
      return;
    }
    const { status, reason, retryAfterMs = 0 } = error;
    const code = status === 0 ? "none" : String(status);
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
    const isGone = status === 410 || reason === "Expired" || reason === "Gone";
    const delayMs = Math.max(this.#backoff.nextMs(), retryAfterMs);
    if (!OF_NO_VERSION.has(status)) this.#doubts += 1;
    if (isGone || this.#doubts >= FAILURES_BEFORE_LIST) this.#version = undefined;
    if (isOutage(error)) await probe.answers();
    if (!isGone) this.#refused(error);
    await pause(clock, delayMs, signal);
  }

  /** Told once, and not before it is sure to stay. Whoever waits for the first list goes on without what is forbidden. */
  #refused({ status, message }: ApiError): void {
    const { clock, logger, name } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#refusedSinceMs ??= nowMs;
    if (this.#isTold || nowMs - this.#refusedSinceMs < REFUSED_FOR_GOOD_MS) return;
    this.#isTold = true;
    if (status === 403) {
      logger.warn(
        { resource: name, verbs: "list, watch", reason: message },
        "permission is missing: give it in a ClusterRole",
      );
    } else {
      logger.warn({ resource: name, reason: message }, "the API server refuses to list or watch a kind");
    }
    if (status === 403 || status === 404) this.#settle();
  }

  #held(): void {
    this.#backoff.reset();
    this.#doubts = 0;
    this.#refusedSinceMs = undefined;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#options.logger.info({ resource: this.#options.name }, "the kind can be watched again");
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#options.onSettled();
  }
}
