// Puts findings into the messages of the conditions that they fit, where whoever wrote the object looks for them.
import {
  type Condition,
  type Finding,
  type FindingCode,
  findingText,
  type ObjectStatus,
  type Severity,
} from "../../model/index.ts";
import { listAt, objectAt, textAt } from "../json.ts";
import { referenceKey, referenceTo } from "./entries.ts";

/** What the API server takes in one message (metav1.Condition). */
const MAX_MESSAGE = 32_768;
/** For all messages of an object together, which etcd takes in one piece only below 1.5 MB. */
const MAX_MESSAGES = 262_144;

/** What is wrong with a reference stands where references are judged; everything else where the object is. */
const ABOUT_REFERENCES: ReadonlySet<FindingCode> = new Set([
  "invalid-reference",
  "invalid-certificate-reference",
  "invalid-certificate",
]);

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** `spec.rules[0].backendRefs[0]: what is wrong (expected what would be right; what to write)` */
export function findingLine(finding: Finding): string {
  const place = finding.path === "" ? "" : `${finding.path}: `;
  return `${place}${findingText(finding)}`;
}

/**
 * The status with the findings about its object. One about a listener is told at the listener, one about a parentRef at the
 * entry of that parent, any other at the object or at all of its entries.
 *
 * @param written the object as it was translated
 */
export function tellFindings(
  status: ObjectStatus,
  findings: readonly Finding[],
  written: unknown,
): ObjectStatus {
  if (findings.length === 0) return status;
  const { listeners, parents } = status;
  const sorted = [...findings].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const places = sorted.map((finding) => ({ finding, ...placeOf(finding, status, written) }));
  const at = (listener: string | undefined, parent: string | undefined) =>
    places
      .filter((one) => one.listener === listener && (one.parent ?? parent) === parent)
      .map(({ finding }) => finding);
  const namespace = status.object.namespace;
  const lists = 1 + (listeners?.length ?? 0) + (parents?.length ?? 0);
  const tell = (conditions: readonly Condition[], about: readonly Finding[]) =>
    about.length === 0 ? conditions : tellIn(conditions, about, Math.min(MAX_MESSAGE, MAX_MESSAGES / lists));
  return {
    ...status,
    conditions: tell(status.conditions, at(undefined, undefined)),
    ...(listeners === undefined
      ? {}
      : {
          listeners: listeners.map((one) => ({
            ...one,
            conditions: tell(one.conditions, at(one.name, undefined)),
          })),
        }),
    ...(parents === undefined
      ? {}
      : {
          parents: parents.map((one) => {
            const key = referenceKey(referenceTo(one.parent, one), namespace);
            return { ...one, conditions: tell(one.conditions, at(undefined, key)) };
          }),
        }),
  };
}

/** The part of the status that a finding is about, if it is about a part that has conditions of its own. */
function placeOf(
  { path }: Finding,
  { object, listeners, parents }: ObjectStatus,
  written: unknown,
): { readonly listener?: string; readonly parent?: string } {
  const [, list, index] = /^spec\.(listeners|parentRefs)\[(\d+)\]/.exec(path) ?? [];
  const part = list === undefined ? undefined : listAt(objectAt(written, "spec"), list)[Number(index)];
  if (part === undefined) return {};
  if (list === "parentRefs")
    return parents === undefined ? {} : { parent: referenceKey(part, object.namespace) };
  const name = textAt(part, "name");
  return listeners?.some((one) => one.name === name) ? { listener: name as string } : {};
}

function tellIn(
  conditions: readonly Condition[],
  findings: readonly Finding[],
  limit: number,
): readonly Condition[] {
  const lines = conditions.map((): string[] => []);
  const isSaid = conditions.map(() => false);
  for (const finding of findings) {
    // A condition that says the same in short says it in full.
    const short = [...conditions.keys()].filter((index) => isShortFor(conditions[index], finding));
    for (const index of short) isSaid[index] = true;
    const fitting = short.length > 0 ? short : [fittingCondition(conditions, finding)];
    for (const index of fitting) lines[index]?.push(findingLine(finding));
  }
  return conditions.map((condition, index) => {
    const added = lines[index] as string[];
    if (added.length === 0) return condition;
    return { ...condition, message: joined(isSaid[index] ? added : [condition.message, ...added], limit) };
  });
}

function isShortFor(condition: Condition | undefined, { message }: Finding): boolean {
  const said = condition?.message ?? "";
  return said !== "" && (said.startsWith(message) || message.includes(said));
}

function fittingCondition(conditions: readonly Condition[], { code }: Finding): number {
  const type = ABOUT_REFERENCES.has(code) ? "ResolvedRefs" : "Accepted";
  return Math.max(
    0,
    conditions.findIndex((one) => one.type === type),
  );
}

/** As many whole lines as there is room for. */
function joined(lines: readonly string[], limit: number): string {
  const whole = lines.join("\n");
  if (whole.length <= limit) return whole;
  const more = (count: number) => `and ${count} more; see limpet validate`;
  let length = more(lines.length).length;
  let kept = 0;
  while (length + (lines[kept]?.length ?? 0) + 1 <= limit) length += (lines[kept++]?.length ?? 0) + 1;
  return [...lines.slice(0, kept), more(lines.length - kept)].join("\n");
}
