// A double of an API server, in this process: objects in a map, with resourceVersions, generations, patches and status.
import { isDeepStrictEqual } from "node:util";
import {
  ApiError,
  type KubernetesClient,
  type KubernetesObject,
  type RequestMethod,
  type RequestOptions,
} from "../../src/kubernetes/api/client.ts";
import {
  type ApiResource,
  apiPath,
  type ClusterView,
  refOf,
} from "../../src/kubernetes/watch/cluster-view.ts";
import { type ObjectRef, objectKey } from "../../src/model/index.ts";

export interface SentRequest {
  readonly method: RequestMethod;
  readonly path: string;
  readonly body: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/** It knows nothing of schemas, and has no watches: tests of what needs those have a real API server. */
export class ClusterDouble implements KubernetesClient {
  readonly #kinds: readonly ApiResource[];
  readonly #objects = new Map<string, KubernetesObject>();
  #version = 0;
  readonly requests: SentRequest[] = [];
  /** Called for each request before it has an effect, and after: it may wait, or throw what the client is to see. */
  before: (request: SentRequest) => unknown = () => undefined;
  after: (request: SentRequest) => unknown = () => undefined;

  constructor(kinds: readonly ApiResource[]) {
    this.#kinds = kinds;
  }

  /** As `kubectl apply` and `kubectl edit --subresource=status` would. */
  put(object: KubernetesObject): KubernetesObject {
    return this.#store(this.#pathOf(object), object);
  }

  delete(object: KubernetesObject): void {
    this.#objects.delete(this.#pathOf(object));
  }

  at(path: string): KubernetesObject | undefined {
    return this.#objects.get(path);
  }

  all(): readonly KubernetesObject[] {
    return [...this.#objects.values()];
  }

  async request<T>(method: RequestMethod, path: string, options: RequestOptions = {}): Promise<T> {
    const request = { method, path, body: structuredClone(options.body) };
    this.requests.push(request);
    await this.before(request);
    options.signal?.throwIfAborted();
    const answer = structuredClone(this.#answer(request, options));
    await this.after(request);
    options.signal?.throwIfAborted();
    return answer as T;
  }

  watch(): Promise<void> {
    throw new Error("the double has no watches");
  }

  #answer({ method, path, body }: SentRequest, { contentType, query }: RequestOptions): object {
    const listed = this.#kinds.find((kind) => apiPath(kind) === path);
    if (method === "GET" && listed !== undefined) return this.#list(listed, query?.["labelSelector"]);
    if (method === "PATCH" && contentType === "application/apply-patch+yaml") {
      return this.#apply(path, body as KubernetesObject, query?.["force"] === true);
    }
    if (method === "POST") return this.#create(path, body as KubernetesObject);
    const isStatus = path.endsWith("/status");
    const at = isStatus ? path.slice(0, -"/status".length) : path;
    const known = this.#objects.get(at);
    if (known === undefined) throw refusal(404, "NotFound", path);
    if (method === "GET") return known;
    if (method === "DELETE") {
      this.#objects.delete(at);
      return known;
    }
    const version = (body as KubernetesObject).metadata?.resourceVersion;
    if (version !== undefined && version !== known.metadata.resourceVersion)
      throw refusal(409, "Conflict", path);
    if (method === "PATCH" && contentType !== "application/merge-patch+json") throw refusal(415, "", path);
    const next = (method === "PATCH" ? merged(known, body) : body) as KubernetesObject;
    return this.#store(at, isStatus ? { ...known, status: next["status"] } : next);
  }

  /** @param selector undefined, or `name=value` of one label */
  #list({ group, kind }: ApiResource, selector: unknown): object {
    const [name = "", value] = typeof selector === "string" ? selector.split("=") : [];
    const items = this.all().filter((one) => {
      const isOfKind = one.kind === kind && groupOf(one.apiVersion) === group;
      return isOfKind && (selector === undefined || one.metadata.labels?.[name] === value);
    });
    return { metadata: { resourceVersion: String(this.#version) }, items };
  }

  /** It does not remember who set which field: without force, whatever is there is somebody else's. */
  #apply(path: string, object: KubernetesObject, force: boolean): KubernetesObject {
    const known = this.#objects.get(path);
    if (known === undefined) return this.#store(path, object);
    if (!force) throw refusal(409, "Conflict", path);
    return this.#store(path, merged(known, object) as KubernetesObject);
  }

  #create(collection: string, object: KubernetesObject): KubernetesObject {
    const path = `${collection}/${object.metadata.name}`;
    if (this.#objects.has(path)) throw refusal(409, "AlreadyExists", path);
    return this.#store(path, object);
  }

  #store(path: string, object: KubernetesObject): KubernetesObject {
    const known = this.#objects.get(path);
    const {
      metadata: { resourceVersion: _, ...metadata },
      ...fields
    } = structuredClone(object);
    const generation = metadata.generation ?? known?.metadata.generation ?? 1;
    const isEdited = known !== undefined && !isDeepStrictEqual(known["spec"], fields["spec"]);
    const uid = known?.metadata.uid ?? `uid-${++this.#version}`;
    const same = {
      ...metadata,
      uid,
      generation: isEdited ? (known.metadata.generation ?? 0) + 1 : generation,
    };
    // As in etcd, what changes nothing is no new version.
    const unchanged = { ...fields, metadata: { ...same, resourceVersion: known?.metadata.resourceVersion } };
    if (known !== undefined && isDeepStrictEqual(known, unchanged)) return known;
    const stored = {
      ...fields,
      metadata: { ...same, resourceVersion: String(++this.#version) },
    } as KubernetesObject;
    this.#objects.set(path, stored);
    return stored;
  }

  #pathOf({ apiVersion, kind, metadata }: KubernetesObject): string {
    const group = groupOf(apiVersion);
    const resource = this.#kinds.find((one) => one.kind === kind && one.group === group);
    if (resource === undefined) throw new Error(`the double does not know ${apiVersion} ${kind}`);
    return apiPath(resource, metadata.namespace, metadata.name);
  }
}

/** A view of the double that knows what was there when it last caught up; by itself it always has. */
export class ViewDouble implements ClusterView {
  readonly #cluster: ClusterDouble;
  readonly #kinds: readonly ApiResource[];
  #frozen: ReadonlyMap<string, KubernetesObject> | undefined;

  constructor(cluster: ClusterDouble, kinds: readonly ApiResource[]) {
    this.#cluster = cluster;
    this.#kinds = kinds;
  }

  freeze(): void {
    this.#frozen = this.#current();
  }

  catchUp(): void {
    this.#frozen = undefined;
  }

  resources() {
    return [...this.#known().values()].map((value) => ({
      apiVersion: value.apiVersion,
      kind: value.kind,
      object: refOf(value),
      value,
      position: () => undefined,
    }));
  }

  object(ref: ObjectRef): KubernetesObject | undefined {
    if (this.#frozen !== undefined) return this.#frozen.get(objectKey(ref));
    const resource = this.apiResource(ref.group, ref.kind);
    return resource && this.#cluster.at(apiPath(resource, ref.namespace, ref.name));
  }

  objects(group: string, kind: string): readonly KubernetesObject[] {
    return [...this.#known().values()].filter(
      (one) => one.kind === kind && groupOf(one.apiVersion) === group,
    );
  }

  apiResource(group: string, kind: string): ApiResource | undefined {
    return this.#kinds.find((one) => one.group === group && one.kind === kind);
  }

  #known(): ReadonlyMap<string, KubernetesObject> {
    return this.#frozen ?? this.#current();
  }

  #current(): ReadonlyMap<string, KubernetesObject> {
    return new Map(this.#cluster.all().map((one) => [objectKey(refOf(one)), one]));
  }
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "";
}

function refusal(status: number, reason: string, path: string): ApiError {
  return new ApiError(`${path}: ${reason}`, { status, reason });
}

/** RFC 7386. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
