// Brings together, for each object that has a status of ours, what a translation says of it: status, findings, and what was read.
import type { Resource, Translation } from "../../dialects/translation.ts";
import { type Finding, type ObjectRef, objectKey } from "../../model/index.ts";
import { statusKind } from "./status-kinds.ts";
import type { WantedStatus } from "./status-patch.ts";

export interface StatusReport {
  /** What was translated. */
  readonly resources: readonly Resource[];
  readonly translation: Translation;
}

export type WantedStatuses = ReadonlyMap<string, WantedStatus>;

/**
 * By object key. One that says the same as before stays the same object, by which what was compared is known again; where
 * all do, as after a change of endpoints, it is the very map.
 */
export function wantedStatuses(
  { resources, translation }: StatusReport,
  before: WantedStatuses,
): WantedStatuses {
  const findings = new Map<string, Finding[]>();
  for (const finding of translation.findings) {
    if (finding.object === undefined || statusKind(finding.object) === undefined) continue;
    const key = keyOf(finding.object);
    const known = findings.get(key);
    if (known === undefined) findings.set(key, [finding]);
    else known.push(finding);
  }
  const written = new Map<string, unknown>();
  for (const { object, value } of resources) {
    if (statusKind(object) !== undefined) written.set(keyOf(object), value);
  }
  const wanted = new Map<string, WantedStatus>();
  let isOther = false;
  for (const status of translation.statuses) {
    if (statusKind(status.object) === undefined) continue;
    const key = keyOf(status.object);
    const one = { status, findings: findings.get(key) ?? NONE, written: written.get(key) };
    const known = before.get(key);
    const isSame = known !== undefined && saysTheSame(known, one);
    isOther ||= !isSame;
    wanted.set(key, isSame ? known : one);
  }
  return isOther || wanted.size !== before.size ? wanted : before;
}

const NONE: readonly Finding[] = [];

/** There are thousands, which stay the same objects from one translation to the next. */
const KEYS = new WeakMap<ObjectRef, string>();

function keyOf(object: ObjectRef): string {
  let key = KEYS.get(object);
  if (key === undefined) {
    key = objectKey(object);
    KEYS.set(object, key);
  }
  return key;
}

function saysTheSame(a: WantedStatus, b: WantedStatus): boolean {
  return (
    a.status === b.status &&
    a.written === b.written &&
    a.findings.length === b.findings.length &&
    a.findings.every((finding, index) => finding === b.findings[index])
  );
}
