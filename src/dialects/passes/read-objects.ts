// First pass: resources become typed objects, by the schemas of their kinds; the last good form stands in for a bad one.
import { objectKey, objectText } from "../../model/index.ts";
import { isHarmless } from "../core/well-known-kinds.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { Recall } from "../memory.ts";
import { type ObjectSet, objectSet } from "../object-set.ts";
import type { Kind } from "../schema/kind.ts";
import { nearestName } from "../schema/near-names.ts";
import { type Reading, readObject } from "../schema/read-object.ts";
import type { Resource } from "../translation.ts";

export interface ReadObjects {
  readonly objects: ObjectSet;
  readonly findings: readonly FindingDraft[];
  /** By object key, for the places of findings. */
  readonly resources: ReadonlyMap<string, Resource>;
}

export function readObjects(
  kinds: readonly Kind[],
  resources: readonly Resource[],
  recall: Recall,
): ReadObjects {
  const known = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  const findings: FindingDraft[] = [];
  const byKey = new Map<string, Resource>();
  const readings = new Map<Kind, Reading[]>();
  for (const resource of resources) {
    const key = objectKey(resource.object);
    if (byKey.has(key)) {
      findings.push(duplicate(resource, byKey.get(key) as Resource));
      continue;
    }
    byKey.set(key, resource);
    const kind = known.get(`${resource.object.group}/${resource.kind}`);
    if (kind === undefined || !kind.versions.includes(versionOf(resource))) {
      findings.push(notRead(resource, kind, kinds));
      continue;
    }
    // The value says what the object is; the resource around it is new with every reading of its file.
    const read = recall.result("readings", key, [resource.value], () => readObject(kind, resource));
    findings.push(...read.findings);
    const reading = usable(key, read.reading, recall, findings, resource);
    if (reading === undefined) continue;
    const list = readings.get(kind);
    if (list === undefined) readings.set(kind, [reading]);
    else list.push(reading);
  }
  for (const list of readings.values()) list.sort(byName);
  return { objects: objectSet(readings, new Set(byKey.keys()), recall), findings, resources: byKey };
}

/** The form to serve: this one, the last good one where this one is in error, or what could be read of it. */
function usable(
  key: string,
  reading: Reading | undefined,
  recall: Recall,
  findings: FindingDraft[],
  resource: Resource,
): Reading | undefined {
  if (reading !== undefined && !reading.inError) {
    recall.keepAsGood(key, reading);
    return reading;
  }
  const good = recall.lastGood(key);
  if (good === undefined) return reading;
  recall.keepAsGood(key, good);
  findings.push(
    draftFinding("last-good-form", resource.object, [], {
      message: "the object is in error, so its last good form goes on being served",
      expected: "an object without errors",
      hint: "correct the errors of this object",
    }),
  );
  return good;
}

function duplicate(resource: Resource, first: Resource): FindingDraft {
  const at = first.position([]);
  const draft = draftFinding("duplicate-object", resource.object, [], {
    message: `${objectText(resource.object)} stands in the configuration twice; the first one counts`,
    expected: "one object of this kind, namespace and name",
    hint: `remove this one${at === undefined ? "" : `, or the one at ${at.file}:${at.line}`}`,
  });
  return { ...draft, resource };
}

function notRead(resource: Resource, kind: Kind | undefined, kinds: readonly Kind[]): FindingDraft {
  const { object, apiVersion } = resource;
  if (kind !== undefined) {
    const versions = kind.versions.map((version) => joined(kind.group, version));
    return draftFinding("unknown-kind", object, ["apiVersion"], {
      message: `${object.kind} is not read in the version ${apiVersion}, so the object has no effect`,
      expected: `one of ${versions.join(", ")}`,
      hint: `write apiVersion: ${versions[0]}`,
    });
  }
  if (isHarmless(object.group, object.kind)) {
    return draftFinding("kind-ignored", object, [], {
      message: `${object.kind} has no meaning for a gateway, so the object is passed over`,
      expected: "kinds that configure a gateway",
      hint: "nothing to do",
    });
  }
  const sameName = kinds
    .filter((one) => one.kind === object.kind)
    .map((one) => joined(one.group, one.versions[0] ?? ""));
  const near = nearestName(
    object.kind,
    kinds.filter((one) => one.group === object.group).map((one) => one.kind),
  );
  const hint =
    sameName.length > 0
      ? `write apiVersion: ${sameName.join(" or ")}`
      : near === undefined
        ? "remove the object"
        : `did you mean kind: ${near}?`;
  return draftFinding("unknown-kind", object, ["kind"], {
    message: `${object.kind} of ${apiVersion} is not a kind that Limpet reads, so the object has no effect`,
    expected: "a kind of one of the dialects",
    hint,
  });
}

function versionOf({ apiVersion }: Resource): string {
  return apiVersion.slice(apiVersion.indexOf("/") + 1);
}

function joined(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

function byName(a: Reading, b: Reading): number {
  return compare(a.object.namespace, b.object.namespace) || compare(a.object.name, b.object.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
