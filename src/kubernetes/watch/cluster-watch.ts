// The controller's eyes: a reflector for every kind that the dialects know, as soon as the API server has it, and for as long.
import type { Resource } from "../../dialects/translation.ts";
import { type ObjectRef, sameData } from "../../model/index.ts";
import type { Logger, MetricSample } from "../../telemetry/index.ts";
import type { KubernetesClient, KubernetesObject } from "../api/client.ts";
import type { Clock } from "../clock.ts";
import { type ApiResource, apiPath, type ClusterView } from "./cluster-view.ts";
import { InstalledKinds } from "./installed-kinds.ts";
import type { KeptObject } from "./kept-object.ts";
import { type ClusterChange, KindObjects } from "./kind-objects.ts";
import { Reflector } from "./reflector.ts";
import { ServerProbe } from "./server-probe.ts";
import { watchSamples } from "./watch-metrics.ts";
import {
  BUILT_IN_KINDS,
  type BuiltInKind,
  resourceName,
  WATCHED_KINDS,
  type WatchedKind,
} from "./watched-kinds.ts";

export interface ClusterWatchOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Called with each change, many times a second if need be, while the view already has it. */
  readonly onChange: (change: ClusterChange) => void;
  /** Default: those of all dialects. */
  readonly kinds?: readonly WatchedKind[];
}

interface Running {
  readonly apiResource: BuiltInKind;
  readonly reflector: Reflector<KeptObject>;
  readonly stop: AbortController;
}

export class ClusterWatch implements ClusterView {
  readonly #options: ClusterWatchOptions;
  readonly #stop = new AbortController();
  readonly #probe: ServerProbe;
  readonly #installed: InstalledKinds;
  readonly #kinds = new Map<string, KindObjects>();
  readonly #running = new Map<string, Running>();
  readonly #runs = new Set<Promise<void>>();
  readonly #synced = Promise.withResolvers<void>();
  /** By kind, as they were when `#resources` was made. */
  #parts: readonly (readonly Resource[])[] = [];
  #resources: readonly Resource[] = [];

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
    const { client, clock, random, logger, kinds = WATCHED_KINDS } = options;
    this.#probe = new ServerProbe({ client, clock, random, logger, signal: this.#stop.signal });
    for (const kind of kinds) this.#kinds.set(keyOf(kind), new KindObjects(options.onChange));
    this.#installed = new InstalledKinds({
      client,
      clock,
      random,
      logger,
      probe: this.#probe,
      kinds: kinds.filter((kind) => builtIn(kind) === undefined),
      onInstalled: (kind, resource) => this.#install(kind, resource),
      onSettled: () => this.#checkSynced(),
    });
  }

  /** Resolves once every kind that the API server has was listed, or is refused; not at all if it is stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  start(): void {
    for (const kind of this.#options.kinds ?? WATCHED_KINDS) {
      const resource = builtIn(kind);
      if (resource !== undefined) this.#install(kind, resource);
    }
    this.#track(this.#installed.run(this.#stop.signal));
  }

  /** Resolves when nothing is under way any more; what was heard last stays. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
  }

  resources(): readonly Resource[] {
    const parts = Array.from(this.#kinds.values(), (kind) => kind.resources);
    if (parts.some((part, index) => part !== this.#parts[index])) {
      this.#parts = parts;
      this.#resources = parts.flat();
    }
    return this.#resources;
  }

  object({ group, kind, namespace, name }: ObjectRef): KubernetesObject | undefined {
    return this.#kinds.get(keyOf({ group, kind }))?.object(namespace, name);
  }

  objects(group: string, kind: string): readonly KubernetesObject[] {
    return this.#kinds.get(keyOf({ group, kind }))?.objects ?? [];
  }

  apiResource(group: string, kind: string): ApiResource | undefined {
    return this.#kinds.get(keyOf({ group, kind }))?.apiResource;
  }

  samples(): MetricSample[] {
    const kinds = Array.from(this.#running, ([key, { apiResource, reflector }]) => ({
      name: resourceName(apiResource),
      objects: this.#kinds.get(key)?.size ?? 0,
      reflector,
    }));
    return watchSamples(kinds, this.#installed.reflector, !this.#probe.isDown);
  }

  #install(kind: WatchedKind, resource: BuiltInKind | undefined): void {
    const key = keyOf(kind);
    const objects = this.#kinds.get(key);
    const running = this.#running.get(key);
    if (objects === undefined || sameData(running?.apiResource, resource)) return;
    const { logger, onChange } = this.#options;
    if (running !== undefined && resource !== undefined && isSamePlace(running.apiResource, resource)) {
      // What is watched stays the same, and what may be written need not.
      this.#running.set(key, { ...running, apiResource: resource });
      objects.apiResource = resource;
      onChange("objects");
      return;
    }
    running?.stop.abort();
    this.#running.delete(key);
    objects.apiResource = resource;
    if (resource === undefined) {
      logger.info(
        { kind: resourceName(kind) },
        "the API server has the kind no longer: its objects are gone",
      );
      objects.replace([]);
      this.#checkSynced();
      return;
    }
    logger.debug({ kind: resourceName(kind), version: resource.version }, "the kind is watched");
    this.#run(key, resource, objects);
  }

  #run(key: string, apiResource: BuiltInKind, objects: KindObjects): void {
    const { client, clock, random, logger } = this.#options;
    const { fieldSelector, pageSize } = apiResource;
    const reflector = new Reflector({
      client,
      path: apiPath(apiResource),
      name: resourceName(apiResource),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(pageSize === undefined ? {} : { pageSize }),
      copy: objects,
      probe: this.#probe,
      clock,
      random,
      logger,
      onSettled: () => this.#checkSynced(),
    });
    const stop = new AbortController();
    this.#running.set(key, { apiResource, reflector, stop });
    this.#track(reflector.run(AbortSignal.any([stop.signal, this.#stop.signal])));
  }

  #track(run: Promise<void>): void {
    this.#runs.add(run);
    void run.finally(() => this.#runs.delete(run));
  }

  #checkSynced(): void {
    if (!this.#installed.isSettled) return;
    for (const { reflector } of this.#running.values()) if (!reflector.isSettled) return;
    this.#synced.resolve();
  }
}

function isSamePlace(one: ApiResource, other: ApiResource): boolean {
  return sameData({ ...one, generation: 0 }, { ...other, generation: 0 });
}

function keyOf({ group, kind }: Pick<WatchedKind, "group" | "kind">): string {
  return `${group}/${kind}`;
}

function builtIn({ group, kind }: WatchedKind): BuiltInKind | undefined {
  return BUILT_IN_KINDS.find((one) => one.group === group && one.kind === kind);
}
