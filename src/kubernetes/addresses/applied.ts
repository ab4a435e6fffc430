// Tells whether an object is in the cluster as it was wanted, so that nothing is written twice.
import type { KubernetesObject } from "../api/client.ts";
import { APPLIED_ANNOTATION, digest } from "./names.ts";

/** With an annotation that says what was wanted: fields that are wanted no more cannot be seen otherwise. */
export function marked(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [APPLIED_ANNOTATION]: digest(JSON.stringify(object)) };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** Everything wanted stands there, whatever else the API server and others added. */
export function isApplied(wanted: KubernetesObject, live: KubernetesObject | undefined): boolean {
  return live !== undefined && holds(live, wanted);
}

function holds(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    // Lists of these objects are sets, by port, address or owner.
    return Array.isArray(live) && wanted.every((item) => live.some((one) => holds(one, item)));
  }
  if (typeof wanted !== "object" || wanted === null) return live === wanted;
  if (typeof live !== "object" || live === null) return false;
  const fields = live as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => holds(fields[name], value));
}
