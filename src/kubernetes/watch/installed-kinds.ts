// Which kinds of the dialects the API server has by now, and in which version: heard from its CustomResourceDefinitions.
import { ApiError, type KubernetesObject } from "../api/client.ts";
import { Backoff, pause } from "../backoff.ts";
import { type ApiResource, apiPath } from "./cluster-view.ts";
import { type Copy, Reflector, type ReflectorOptions } from "./reflector.ts";
import { resourceName, type WatchedKind } from "./watched-kinds.ts";

export interface InstalledKindsOptions
  extends Pick<ReflectorOptions<unknown>, "client" | "probe" | "clock" | "random" | "logger" | "onSettled"> {
  readonly kinds: readonly WatchedKind[];
  /** Undefined: not, or no longer. Called with every change of the definition. */
  readonly onInstalled: (kind: WatchedKind, resource: ApiResource | undefined) => void;
}

const CRDS: ApiResource = {
  group: "apiextensions.k8s.io",
  kind: "CustomResourceDefinition",
  version: "v1",
  plural: "customresourcedefinitions",
  namespaced: false,
  hasStatus: true,
};

/** What is read of a CustomResourceDefinition. */
interface Definition extends KubernetesObject {
  readonly spec: {
    readonly scope: "Namespaced" | "Cluster";
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly subresources?: { readonly status?: object };
    }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/**
 * Watches the metadata of all definitions, which are large, and reads the few whole that matter: each change of one, its
 * status included, is heard as a change of its metadata.
 */
export class InstalledKinds implements Copy<KubernetesObject> {
  readonly #options: InstalledKindsOptions;
  readonly #byName: ReadonlyMap<string, WatchedKind>;
  readonly reflector: Reflector<KubernetesObject>;
  /** By name; the version that was heard of last. */
  readonly #heard = new Map<string, string | undefined>();
  #reading = 0;
  #isSettled = false;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: InstalledKindsOptions) {
    this.#options = options;
    this.#byName = new Map(options.kinds.map((kind) => [resourceName(kind), kind]));
    this.reflector = new Reflector({
      ...options,
      path: apiPath(CRDS),
      name: `${CRDS.plural}.${CRDS.group}`,
      metadataOnly: true,
      copy: this,
      onSettled: () => this.#settle(),
    });
  }

  /** All definitions that there were at first have been read, or none may be. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    return this.reflector.run(signal);
  }

  keep(object: KubernetesObject): KubernetesObject {
    return object;
  }

  replace(all: readonly KubernetesObject[]): void {
    const names = new Set(all.map(({ metadata }) => metadata.name));
    for (const name of [...this.#heard.keys()]) if (!names.has(name)) this.#forget(name);
    for (const one of all) this.put(one);
  }

  put({ metadata: { name, resourceVersion } }: KubernetesObject): void {
    const kind = this.#byName.get(name);
    if (kind === undefined) return;
    if (this.#heard.has(name) && this.#heard.get(name) === resourceVersion) return;
    this.#heard.set(name, resourceVersion);
    void this.#read(name, kind, resourceVersion);
  }

  remove({ metadata: { name } }: KubernetesObject): void {
    this.#forget(name);
  }

  #forget(name: string): void {
    const kind = this.#byName.get(name);
    if (this.#heard.delete(name) && kind !== undefined) this.#options.onInstalled(kind, undefined);
  }

  /** Until it was read, or something newer was heard of it. */
  async #read(name: string, kind: WatchedKind, version: string | undefined): Promise<void> {
    const { client, clock, random, probe, onInstalled, logger } = this.#options;
    const backoff = new Backoff(random);
    const isCurrent = () =>
      !this.#signal.aborted && this.#heard.has(name) && this.#heard.get(name) === version;
    this.#reading += 1;
    while (isCurrent()) {
      try {
        const path = apiPath(CRDS, undefined, name);
        const definition = await client.request<Definition>("GET", path, { signal: this.#signal });
        if (isCurrent()) onInstalled(kind, this.#served(definition, kind));
        break;
      } catch (error) {
        // Gone meanwhile: its end is about to be heard of.
        if (error instanceof ApiError && error.status === 404) break;
        if (isCurrent())
          logger.warn({ definition: name, err: error }, "a CustomResourceDefinition cannot be read yet");
        await probe.answers();
        await pause(clock, backoff.nextMs(), this.#signal);
      }
    }
    this.#reading -= 1;
    this.#settle();
  }

  /** In the newest version that both sides know. */
  #served({ spec, status, metadata }: Definition, kind: WatchedKind): ApiResource | undefined {
    const isEstablished = status?.conditions?.some(
      (one) => one.type === "Established" && one.status === "True",
    );
    if (isEstablished !== true || spec.names.kind !== kind.kind) return undefined;
    const served = spec.versions.filter((version) => version.served);
    const known = kind.versions
      .map((version) => served.find(({ name }) => name === version))
      .find((version) => version !== undefined);
    if (known === undefined) {
      const details = {
        definition: metadata.name,
        served: served.map(({ name }) => name),
        read: kind.versions,
      };
      this.#options.logger.warn(details, "the API server has the kind in no version that Limpet reads");
      return undefined;
    }
    return {
      group: kind.group,
      kind: kind.kind,
      version: known.name,
      plural: spec.names.plural,
      namespaced: spec.scope === "Namespaced",
      hasStatus: known.subresources?.status !== undefined,
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
    };
  }

  #settle(): void {
    if (this.#isSettled || !this.reflector.isSettled || this.#reading > 0) return;
    this.#isSettled = true;
    this.#options.onSettled();
  }
}
