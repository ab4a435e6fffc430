// The objects of one kind as they were last heard of: what a reflector fills, and the view of the cluster reads.
import type { Resource } from "../../dialects/translation.ts";
import type { KubernetesObject } from "../api/client.ts";
import type { ApiResource } from "./cluster-view.ts";
import { type KeptObject, keepObject, objectName } from "./kept-object.ts";
import type { Copy } from "./reflector.ts";

/** `resources`: something that translation can see; `objects`: statuses or versions only. */
export type ClusterChange = "resources" | "objects";

export class KindObjects implements Copy<KeptObject> {
  readonly #onChange: (change: ClusterChange) => void;
  /** In the order in which they were first heard of, so that a list changes nothing by its order. */
  readonly #kept = new Map<string, KeptObject>();
  #resources: readonly Resource[] | undefined;
  #objects: readonly KubernetesObject[] | undefined;
  /** Undefined: the API server does not have the kind. */
  apiResource: ApiResource | undefined;

  constructor(onChange: (change: ClusterChange) => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The same array while none of them changed. */
  get resources(): readonly Resource[] {
    this.#resources ??= Array.from(this.#kept.values(), ({ resource }) => resource);
    return this.#resources;
  }

  get objects(): readonly KubernetesObject[] {
    this.#objects ??= Array.from(this.#kept.values(), ({ object }) => object);
    return this.#objects;
  }

  object(namespace: string, name: string): KubernetesObject | undefined {
    return this.#kept.get(`${namespace}/${name}`)?.object;
  }

  keep(object: KubernetesObject): KeptObject {
    const kind = this.apiResource;
    if (kind === undefined) throw new Error("objects came of a kind that the API server does not have");
    return keepObject(kind, object, this.#kept.get(objectName(object.metadata)));
  }

  replace(all: readonly KeptObject[]): void {
    const gone = new Set(this.#kept.keys());
    let change: ClusterChange | undefined;
    for (const one of all) {
      gone.delete(one.key);
      change = larger(change, this.#set(one));
    }
    for (const key of gone) change = larger(change, this.#delete(key));
    this.#tell(change);
  }

  put(one: KeptObject): void {
    this.#tell(this.#set(one));
  }

  remove({ metadata }: KubernetesObject): void {
    this.#tell(this.#delete(objectName(metadata)));
  }

  #set(one: KeptObject): ClusterChange | undefined {
    const before = this.#kept.get(one.key);
    if (before === one) return undefined;
    this.#kept.set(one.key, one);
    return before?.resource === one.resource ? "objects" : "resources";
  }

  #delete(key: string): ClusterChange | undefined {
    return this.#kept.delete(key) ? "resources" : undefined;
  }

  #tell(change: ClusterChange | undefined): void {
    if (change === undefined) return;
    this.#objects = undefined;
    if (change === "resources") this.#resources = undefined;
    this.#onChange(change);
  }
}

function larger(one: ClusterChange | undefined, other: ClusterChange | undefined): ClusterChange | undefined {
  return one === "resources" ? one : (other ?? one);
}
