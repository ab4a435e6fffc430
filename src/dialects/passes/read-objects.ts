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

/** What a resource is, whatever else there is beside it. */
interface Known {
  readonly key: string;
  readonly kind: Kind | undefined;
  readonly reading: Reading | undefined;
  readonly findings: readonly FindingDraft[];
}

export function readObjects(
  kinds: readonly Kind[],
  resources: readonly Resource[],
  recall: Recall,
): ReadObjects {
  const findings: FindingDraft[] = [];
  const byKey = new Map<string, Resource>();
  const readings = new Map<Kind, Reading[]>();
  for (const resource of resources) {
    // The value says what the object is; the resource around it is new with every reading of its file.
    const known = recall.result("resources", resource.value, [], () => readResource(kinds, resource));
    const { key, kind } = known;
    const first = byKey.get(key);
    if (first !== undefined) {
      findings.push(duplicate(resource, first));
      continue;
    }
    byKey.set(key, resource);
    findings.push(...known.findings);
    const reading = kind === undefined ? undefined : usable(known, resource, recall, findings);
    if (kind === undefined || reading === undefined) continue;
    const list = readings.get(kind);
    if (list === undefined) readings.set(kind, [reading]);
    else list.push(reading);
  }
  return { objects: objectSet(readings, byKey, recall), findings, resources: byKey };
}

function readResource(kinds: readonly Kind[], resource: Resource): Known {
  const { object } = resource;
  const key = objectKey(object);
  const kind = kinds.find((one) => one.group === object.group && one.kind === object.kind);
  if (kind === undefined || !kind.versions.includes(versionOf(resource))) {
    return { key, kind: undefined, reading: undefined, findings: [notRead(resource, kind, kinds)] };
  }
  return { key, kind, ...readObject(kind, resource) };
}

/** The form to serve: this one, the last good one where this one is in error, or what could be read of it. */
function usable(
  { key, reading, findings }: Known,
  resource: Resource,
  recall: Recall,
  told: FindingDraft[],
): Reading | undefined {
  if (reading !== undefined && !reading.inError) {
    recall.keepAsGood(key, reading);
    return reading;
  }
  const good = recall.lastGood(key);
  const object = findings[0]?.object;
  // One that was made anew under the name is another object, and never had a good form.
  const isSame = good !== undefined && uidOf(good.value) === uidOf(resource.value);
  if (good === undefined || !isSame || object === undefined) return reading;
  recall.keepAsGood(key, good);
  told.push(
    draftFinding("last-good-form", object, [], {
      message: "the object is in error, so its last good form goes on being served",
      expected: "an object without errors",
      hint: "correct the errors of this object",
    }),
  );
  return recall.result("outdated", good, [], (): Reading => ({ ...good, isOutdated: true }));
}

/** Undefined in files. */
function uidOf(value: unknown): unknown {
  return (value as { readonly metadata?: { readonly uid?: unknown } } | null)?.metadata?.uid;
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
