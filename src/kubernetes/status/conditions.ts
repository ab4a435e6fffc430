// Conditions as Kubernetes writes them (metav1.Condition), made from ours and from those that stand there already.
import type { Condition } from "../../model/index.ts";
import { secondTime } from "../api/time.ts";
import { type JsonObject, numberAt, textAt } from "../json.ts";

/** What conditions are written with. */
export interface Observation {
  /** `metadata.generation` of the object that was translated. Undefined: it has none. */
  readonly generation: number | undefined;
  /** Wall clock. */
  readonly nowMs: number;
}

/** Types that are ours where conditions have no owner's name beside them; all others are somebody else's and stay. */
const OURS: ReadonlySet<string> = new Set([
  "Accepted",
  "Programmed",
  "ResolvedRefs",
  "Conflicted",
  "OverlappingTLSConfig",
  "InsecureFrontendValidationMode",
  "AttachedListenerSets",
]);

/** For a list that others write too: what stands there and is not ours stays as it is, where it is. */
export function writeSharedConditions(
  wanted: readonly Condition[],
  before: readonly JsonObject[],
  observation: Observation,
): readonly JsonObject[] {
  const rest = new Map(wanted.map((condition) => [condition.type, condition]));
  const written: JsonObject[] = [];
  for (const known of before) {
    const type = textAt(known, "type") ?? "";
    const condition = rest.get(type);
    rest.delete(type);
    if (condition !== undefined) written.push(writeCondition(condition, known, observation));
    else if (!OURS.has(type)) written.push(known);
  }
  return [...written, ...[...rest.values()].map((one) => writeCondition(one, undefined, observation))];
}

/** For a list that is ours as a whole. */
export function writeOwnConditions(
  wanted: readonly Condition[],
  before: readonly JsonObject[],
  observation: Observation,
): readonly JsonObject[] {
  return wanted.map((condition) => {
    const known = before.find((one) => textAt(one, "type") === condition.type);
    return writeCondition(condition, known, observation);
  });
}

/** The newest generation that our conditions in this list have seen. */
export function observedGeneration(conditions: readonly JsonObject[], isOurs = isOurType): number {
  return conditions
    .filter(isOurs)
    .reduce((newest, one) => Math.max(newest, numberAt(one, "observedGeneration") ?? 0), 0);
}

export function isOurType(condition: JsonObject): boolean {
  return OURS.has(textAt(condition, "type") ?? "");
}

/** The time of a condition is that of its last change of status, whatever else changed since. */
function writeCondition(
  { type, status, reason, message }: Condition,
  known: JsonObject | undefined,
  { generation, nowMs }: Observation,
): JsonObject {
  const since = textAt(known, "status") === status ? textAt(known, "lastTransitionTime") : undefined;
  return {
    type,
    status,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: since ?? secondTime(nowMs),
    reason,
    message,
  };
}
