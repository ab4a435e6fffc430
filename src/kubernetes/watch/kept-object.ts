// What is kept of an object: all that the controller may ask for, and of that what translation sees, as a Resource.
import type { Resource } from "../../dialects/translation.ts";
import { sameData } from "../../model/index.ts";
import type { KubernetesObject, ObjectMetadata } from "../api/client.ts";
import type { ApiResource } from "./cluster-view.ts";

export interface KeptObject {
  /** `namespace/name`; of cluster-scoped kinds `/name`. */
  readonly key: string;
  readonly object: KubernetesObject;
  readonly resource: Resource;
}

/** The metadata that translation may see. What is left out changes with every write, or means nothing to it. */
const SEEN_METADATA = [
  "name",
  "namespace",
  "uid",
  "generation",
  "labels",
  "annotations",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** Others write these for themselves: some every few seconds, some at the length of the whole object. */
const NOISY_ANNOTATIONS = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "control-plane.alpha.kubernetes.io/leader",
  "endpoints.kubernetes.io/last-change-trigger-time",
];

/** `before`: what was kept of it until now; whatever is the same stays the same object. */
export function keepObject(
  kind: ApiResource,
  arrived: KubernetesObject,
  before: KeptObject | undefined,
): KeptObject {
  const { metadata } = arrived;
  const { apiVersion = apiVersionOf(kind), kind: name = kind.kind, ...rest } = arrived;
  // In another version of the API it is written otherwise, and its resourceVersion is the same.
  const isKnown = before?.object.apiVersion === apiVersion && isSameVersion(before.object.metadata, metadata);
  if (before !== undefined && isKnown) return before;
  const whole = isPod(kind) ? reducedPod(rest) : rest;
  const { metadata: _, status, ...fields } = whole;
  const seen = picked(metadata, SEEN_METADATA);
  const annotations = quietAnnotations(metadata);
  if (annotations !== undefined) seen["annotations"] = annotations;
  // A Pod's status is an input: its address, and whether it is ready.
  const value = {
    apiVersion,
    kind: name,
    metadata: seen,
    ...fields,
    ...(isPod(kind) && status !== undefined ? { status } : {}),
  };
  const { managedFields, ...kept } = metadata;
  return {
    key: objectName(metadata),
    object: {
      ...whole,
      apiVersion,
      kind: name,
      metadata: { ...kept, ...(annotations === undefined ? {} : { annotations }) },
    },
    resource:
      before !== undefined && sameData(before.resource.value, value)
        ? before.resource
        : resourceOf(kind, apiVersion, metadata, value),
  };
}

export function objectName({ namespace = "", name }: ObjectMetadata): string {
  return `${namespace}/${name}`;
}

function resourceOf(
  { group, kind }: ApiResource,
  apiVersion: string,
  { namespace = "", name }: ObjectMetadata,
  value: object,
): Resource {
  return { apiVersion, kind, object: { group, kind, namespace, name }, value, position: nowhere };
}

/** It did not come from a file. */
function nowhere(): undefined {
  return undefined;
}

function isSameVersion(one: ObjectMetadata, other: ObjectMetadata): boolean {
  return (
    one.resourceVersion !== undefined &&
    one.resourceVersion === other.resourceVersion &&
    one.uid === other.uid
  );
}

function apiVersionOf({ group, version }: ApiResource): string {
  return group === "" ? version : `${group}/${version}`;
}

function isPod({ group, kind }: ApiResource): boolean {
  return group === "" && kind === "Pod";
}

/** There may be tens of thousands, and only this of them matters to a gateway. */
function reducedPod({ metadata, spec, status }: Omit<KubernetesObject, "apiVersion" | "kind">) {
  const { conditions = [], ...rest } = (status ?? {}) as {
    conditions?: readonly { readonly type: string }[];
  };
  const ready = conditions.find(({ type }) => type === "Ready") as object | undefined;
  return {
    metadata,
    spec: picked(spec, ["nodeName"]),
    status: {
      ...picked(rest, ["phase", "podIP", "podIPs"]),
      conditions: ready === undefined ? [] : [picked(ready, ["type", "status"])],
    },
  };
}

function quietAnnotations({ annotations }: ObjectMetadata): Record<string, string> | undefined {
  if (annotations === undefined) return undefined;
  const quiet = { ...annotations };
  for (const name of NOISY_ANNOTATIONS) delete quiet[name];
  return quiet;
}

function picked(object: unknown, names: readonly string[]): Record<string, unknown> {
  const source = (object ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    names.filter((name) => source[name] !== undefined).map((name) => [name, source[name]]),
  );
}
