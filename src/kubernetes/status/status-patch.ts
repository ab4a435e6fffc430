// What is to be changed in the status of an object, so that it says what the translation says; pure.
import { isDeepStrictEqual } from "node:util";
import type { Finding, ListenerStatus, ObjectStatus } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import { type JsonObject, listAt, numberAt, objectAt, textAt } from "../json.ts";
import { isOurType, type Observation, observedGeneration, writeSharedConditions } from "./conditions.ts";
import {
  type EntryList,
  isOurs,
  referenceKey,
  referenceTo,
  type WantedEntry,
  writeEntries,
} from "./entries.ts";
import { tellFindings } from "./finding-messages.ts";
import type { StatusKind } from "./status-kinds.ts";

/** What a translation says of one object. */
export interface WantedStatus {
  readonly status: ObjectStatus;
  /** About the object. */
  readonly findings: readonly Finding[];
  /** The whole object, as it was translated. */
  readonly written: unknown;
}

export interface PatchContext {
  readonly controllerName: string;
  /** Wall clock. */
  readonly nowMs: number;
}

/**
 * The fields of a merge patch (RFC 7386) for `status`; undefined where everything stands there already, or where a newer
 * translation is on its way.
 *
 * @param wanted undefined: the object is none of ours (any more), and what we once wrote beside others' entries goes
 * @param current the object as it was last heard of, which may be newer than what was translated
 */
export function statusPatch(
  kind: StatusKind,
  wanted: WantedStatus | undefined,
  current: KubernetesObject,
  { controllerName, nowMs }: PatchContext,
): JsonObject | undefined {
  const isShared = kind.shape === "parents" || kind.shape === "ancestors";
  if (wanted === undefined && !isShared) return undefined;
  const generation = numberAt(objectAt(wanted?.written, "metadata"), "generation");
  if (wanted !== undefined && isOutrun(wanted, generation, current, controllerName)) return undefined;
  const before = objectAt(current, "status");
  const observation = { generation, nowMs };
  const next = isShared
    ? sharedFields(kind, wanted, before, { current, controllerName, observation })
    : ownFields(kind, wanted as WantedStatus, before, observation);
  const changes = Object.entries(next).filter(([field, value]) => !isSame(before[field], value));
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

/** The object was made anew since, or a leader before us wrote what it had read after us: what it says now is read soon. */
function isOutrun(
  { written }: WantedStatus,
  generation: number | undefined,
  current: KubernetesObject,
  controllerName: string,
): boolean {
  const uid = textAt(objectAt(written, "metadata"), "uid");
  if (uid !== undefined && uid !== current.metadata.uid) return true;
  if (generation === undefined) return false;
  const status = objectAt(current, "status");
  const entries = [...listAt(status, "parents"), ...listAt(status, "ancestors")];
  const seen = Math.max(
    observedGeneration(listAt(status, "conditions").filter(isOurType)),
    ...entries
      .filter((entry) => isOurs(entry, controllerName))
      .map((entry) => observedGeneration(listAt(entry, "conditions"))),
  );
  return seen > generation && seen <= (current.metadata.generation ?? 0);
}

function ownFields(
  { kind, shape }: StatusKind,
  { status, findings, written }: WantedStatus,
  before: JsonObject,
  observation: Observation,
): JsonObject {
  const told = tellFindings(status, findings, written);
  const { addresses, attachedListenerSets, supportedFeatures } = told;
  const known = listAt(before, "listeners");
  const spec = listAt(objectAt(written, "spec"), "listeners");
  return {
    conditions: writeSharedConditions(told.conditions, listAt(before, "conditions"), observation),
    ...(shape === "class" || told.listeners === undefined
      ? {}
      : {
          listeners: told.listeners.map((listener) => ({
            ...writeListener(
              listener,
              known.find((one) => one["name"] === listener.name),
              observation,
            ),
            // Of this kind it was required, and of its successor it is gone (Gateway API 1.3 to 1.5).
            ...(kind === "XListenerSet" ? portOf(listener.name, spec) : {}),
          })),
        }),
    ...(shape !== "gateway" || addresses === undefined
      ? {}
      : { addresses: addresses.map(({ type, value }) => ({ type, value })) }),
    ...(shape !== "gateway" || attachedListenerSets === undefined ? {} : { attachedListenerSets }),
    ...(shape !== "class" || supportedFeatures === undefined
      ? {}
      : { supportedFeatures: supportedFeatures.map((name) => ({ name })) }),
  };
}

function writeListener(
  { name, attachedRoutes, supportedKinds, conditions }: ListenerStatus,
  before: JsonObject | undefined,
  observation: Observation,
): JsonObject {
  return {
    name,
    supportedKinds: supportedKinds.map((kind) => ({ group: "gateway.networking.k8s.io", kind })),
    attachedRoutes,
    conditions: writeSharedConditions(conditions, listAt(before, "conditions"), observation),
  };
}

function portOf(name: string, listeners: readonly JsonObject[]): JsonObject {
  return {
    port:
      numberAt(
        listeners.find((one) => one["name"] === name),
        "port",
      ) ?? 0,
  };
}

function sharedFields(
  { shape, maxEntries }: StatusKind,
  wanted: WantedStatus | undefined,
  before: JsonObject,
  {
    current,
    controllerName,
    observation,
  }: { current: KubernetesObject; controllerName: string; observation: Observation },
): JsonObject {
  const field = shape === "parents" ? "parents" : "ancestors";
  const list: EntryList = {
    refField: shape === "parents" ? "parentRef" : "ancestorRef",
    controllerName,
    namespace: current.metadata.namespace ?? "",
    maxEntries,
  };
  const entries = wanted === undefined ? [] : wantedEntries(wanted, list.namespace);
  return { [field]: writeEntries(entries, listAt(before, field), list, observation) };
}

/** A parent is named as the route names it, so that whoever compares the two finds the same; ancestors nobody names. */
function wantedEntries({ status, findings, written }: WantedStatus, namespace: string): WantedEntry[] {
  const parentRefs = listAt(objectAt(written, "spec"), "parentRefs");
  const told = tellFindings(status, findings, written);
  return (told.parents ?? []).map(({ parent, conditions, ...part }) => {
    const reference = referenceTo(parent, part);
    const key = referenceKey(reference, namespace);
    const asWritten = parentRefs.find((one) => referenceKey(one, namespace) === key);
    const { namespace: _, ...local } = reference;
    const isLocal = asWritten !== undefined && asWritten["namespace"] === undefined;
    return { reference: isLocal ? local : reference, conditions };
  });
}

/** A list that is not there is as good as an empty one. */
function isSame(before: unknown, after: unknown): boolean {
  return isDeepStrictEqual(Array.isArray(after) ? (before ?? []) : before, after);
}
