// The cluster as it was last heard of: what translation, status, addresses and leader read, whoever keeps it up to date.
import type { Resource } from "../../dialects/translation.ts";
import type { ObjectRef } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";

/** Where objects of a kind live in the API. */
export interface ApiResource {
  readonly group: string;
  readonly kind: string;
  /** The version that is listed and watched, such as `v1`. */
  readonly version: string;
  /** `httproutes`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Its status is a resource of its own. */
  readonly hasStatus: boolean;
  /** Generation of its CustomResourceDefinition: a later one may take what this one does not. */
  readonly generation?: number;
}

export interface ClusterView {
  /**
   * The same array while nothing changed that a translation could see, and each Resource the same object while its own
   * metadata (labels, annotations, generation, deletion) and fields are: neither a status nor a resourceVersion matters.
   */
  resources(): readonly Resource[];
  /** The whole object, status included, as it was last heard of. */
  object(ref: ObjectRef): KubernetesObject | undefined;
  /** All of a kind; `[]` where it is not known. */
  objects(group: string, kind: string): readonly KubernetesObject[];
  /** Undefined while the API server does not serve the kind; another object as soon as its definition is another. */
  apiResource(group: string, kind: string): ApiResource | undefined;
}

export function refOf({ apiVersion, kind, metadata: { namespace = "", name } }: KubernetesObject): ObjectRef {
  const slash = apiVersion.indexOf("/");
  return { group: slash < 0 ? "" : apiVersion.slice(0, slash), kind, namespace, name };
}

/** `/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/cart`; without a name: the collection. */
export function apiPath(
  { group, version, plural, namespaced }: ApiResource,
  namespace?: string,
  name?: string,
): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${place}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}
