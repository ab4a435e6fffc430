// Entries of a status that several controllers share: `parents` of a route, `ancestors` of a policy (RouteParentStatus, GEP-713).
import type { ObjectRef, ParentStatus } from "../../model/index.ts";
import { type JsonObject, listAt, numberAt, objectAt, textAt } from "../json.ts";
import { type Observation, writeOwnConditions } from "./conditions.ts";

/** One of ours, with the reference as it is to be written. */
export interface WantedEntry extends Pick<ParentStatus, "conditions"> {
  readonly reference: JsonObject;
}

export interface EntryList {
  readonly refField: "parentRef" | "ancestorRef";
  readonly controllerName: string;
  /** Of the object: what a reference without a namespace means. */
  readonly namespace: string;
  readonly maxEntries: number;
}

/** Entries of others stay as they are, where they are; of ours there is one for each that is wanted, and no other. */
export function writeEntries(
  wanted: readonly WantedEntry[],
  before: readonly JsonObject[],
  list: EntryList,
  observation: Observation,
): readonly JsonObject[] {
  const { refField, controllerName, namespace, maxEntries } = list;
  const rest = new Map(wanted.map((entry) => [referenceKey(entry.reference, namespace), entry]));
  const foreign = before.filter((entry) => !isOurs(entry, controllerName)).length;
  // Nobody's entry is pushed out by ours: the API server takes no longer list.
  let room = Math.max(0, maxEntries - foreign);
  let left = rest.size;
  const write = (entry: WantedEntry, known: JsonObject | undefined): JsonObject[] => {
    if (room === 0) return [];
    room--;
    left--;
    const conditions = room === 0 && left > 0 ? withNote(entry.conditions, left) : entry.conditions;
    const before = listAt(known, "conditions");
    return [
      {
        [refField]: entry.reference,
        controllerName,
        conditions: writeOwnConditions(conditions, before, observation),
      },
    ];
  };
  const written: JsonObject[] = [];
  for (const known of before) {
    if (!isOurs(known, controllerName)) {
      written.push(known);
      continue;
    }
    const key = referenceKey(objectAt(known, refField), namespace);
    const entry = rest.get(key);
    rest.delete(key);
    if (entry !== undefined) written.push(...write(entry, known));
  }
  return [...written, ...[...rest.values()].flatMap((entry) => write(entry, undefined))];
}

export function isOurs(entry: JsonObject, controllerName: string): boolean {
  return textAt(entry, "controllerName") === controllerName;
}

/** What a reference means, with the defaults that the API server fills in: equal texts for the same part of an object. */
export function referenceKey(reference: JsonObject, namespace: string): string {
  return [
    textAt(reference, "group") ?? "gateway.networking.k8s.io",
    textAt(reference, "kind") ?? "Gateway",
    textAt(reference, "namespace") ?? namespace,
    textAt(reference, "name"),
    textAt(reference, "sectionName") ?? "",
    numberAt(reference, "port") ?? "",
  ].join("/");
}

/** @param object what it names, with all that it could leave out */
export function referenceTo(
  object: ObjectRef,
  { sectionName, port }: Omit<ParentStatus, "parent" | "conditions">,
) {
  const { group, kind, namespace, name } = object;
  return {
    group,
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    ...(sectionName === undefined ? {} : { sectionName }),
    ...(port === undefined ? {} : { port }),
  };
}

function withNote(conditions: ParentStatus["conditions"], left: number): ParentStatus["conditions"] {
  const note = `${left} more that this applies to ${left === 1 ? "is" : "are"} left out, since the list is full`;
  return conditions.map((one, index) => (index === 0 ? { ...one, message: `${one.message}\n${note}` } : one));
}
