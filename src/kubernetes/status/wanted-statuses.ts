// Brings together, for each object that has a status of ours, what a translation says of it: status, findings, and what was read.
import type { Resource, Translation } from "../../dialects/translation.ts";
import { type Finding, objectKey } from "../../model/index.ts";
import { statusKind } from "./status-kinds.ts";
import type { WantedStatus } from "./status-patch.ts";

export interface StatusReport {
  /** What was translated. */
  readonly resources: readonly Resource[];
  readonly translation: Translation;
}

/** By object key. One that says the same as before stays the same object, by which what was compared is known again. */
export function wantedStatuses(
  { resources, translation }: StatusReport,
  before: ReadonlyMap<string, WantedStatus>,
): ReadonlyMap<string, WantedStatus> {
  const findings = new Map<string, Finding[]>();
  for (const finding of translation.findings) {
    if (finding.object === undefined || statusKind(finding.object) === undefined) continue;
    const key = objectKey(finding.object);
    const known = findings.get(key);
    if (known === undefined) findings.set(key, [finding]);
    else known.push(finding);
  }
  const written = new Map<string, unknown>();
  for (const { object, value } of resources) {
    if (statusKind(object) !== undefined) written.set(objectKey(object), value);
  }
  const wanted = new Map<string, WantedStatus>();
  for (const status of translation.statuses) {
    if (statusKind(status.object) === undefined) continue;
    const key = objectKey(status.object);
    const one = { status, findings: findings.get(key) ?? NONE, written: written.get(key) };
    const known = before.get(key);
    wanted.set(key, known !== undefined && saysTheSame(known, one) ? known : one);
  }
  return wanted;
}

const NONE: readonly Finding[] = [];

function saysTheSame(a: WantedStatus, b: WantedStatus): boolean {
  return (
    a.status === b.status &&
    a.written === b.written &&
    a.findings.length === b.findings.length &&
    a.findings.every((finding, index) => finding === b.findings[index])
  );
}
