// Decides which policy takes hold of which target: the oldest wins, the part of an object beats the whole.
import {
  type Condition,
  type ObjectRef,
  objectKey,
  objectText,
  type ParentStatus,
} from "../../model/index.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import { type Attachment, type Effect, type PolicyTarget, targetKey } from "./attachment.ts";

export type EffectOf<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;

/** The winning effects, by kind and target. */
export interface Effects {
  /** The effect at the first of these targets that has one: name the most specific target first. */
  find<K extends Effect["kind"]>(kind: K, targets: readonly PolicyTarget[]): EffectOf<K> | undefined;
}

export interface PolicyStatus {
  readonly object: ObjectRef;
  /** About the policy as a whole, where it cannot even be attached. */
  readonly conditions: readonly Condition[];
  readonly ancestors: readonly ParentStatus[];
}

export interface AttachedPolicies {
  readonly effects: Effects;
  readonly statuses: readonly PolicyStatus[];
  readonly findings: readonly FindingDraft[];
}

/** `exists` answers whether a target, and the named part of it, is there. */
export function decideEffects(
  attachments: readonly Attachment[],
  exists: (target: PolicyTarget) => boolean,
): AttachedPolicies {
  const winners = new Map<string, Attachment>();
  const findings: FindingDraft[] = [];
  const ancestors = new Map<string, { object: ObjectRef; entries: Map<string, ParentStatus> }>();
  for (const attachment of [...attachments].sort(byPrecedence)) {
    const { policy, target, targetPath, effect } = attachment;
    const key = `${effect.kind} ${targetKey(target)}`;
    const winner = winners.get(key);
    let condition = ACCEPTED;
    if (!exists(target)) {
      const finding = targetNotFound(attachment);
      condition = { type: "Accepted", status: "False", reason: "TargetNotFound", message: finding.message };
      findings.push(finding);
    } else if (winner !== undefined) {
      const message = `${objectText(winner.policy)} is older and already applies to ${targetText(target)}`;
      condition = { type: "Accepted", status: "False", reason: "Conflicted", message };
      const expected = "one policy of its sort for each target";
      const hint = `remove one of ${objectText(winner.policy)} and ${objectText(policy)}, or give them other targets`;
      findings.push(draftFinding("policy-conflict", policy, targetPath, { message, expected, hint }));
    } else {
      winners.set(key, attachment);
    }
    note(ancestors, attachment, condition);
  }
  return {
    effects: {
      find: <K extends Effect["kind"]>(kind: K, targets: readonly PolicyTarget[]) => {
        for (const target of targets) {
          const winner = winners.get(`${kind} ${targetKey(target)}`);
          if (winner !== undefined) return winner.effect as EffectOf<K>;
        }
        return undefined;
      },
    },
    statuses: [...ancestors.values()].map(({ object, entries }) => ({
      object,
      conditions: [],
      ancestors: [...entries.values()],
    })),
    findings,
  };
}

/** The finding about an attachment that leads nowhere. */
export function targetNotFound({ policy, target, targetPath }: Attachment): FindingDraft {
  return draftFinding("target-not-found", policy, targetPath, {
    message: `${targetText(target)} is not there`,
    expected: "a target that is part of the configuration",
    hint: "correct the reference, or add the target",
  });
}

const ACCEPTED: Condition = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "The policy is in force",
};

/** A policy has one status entry a target, whatever its effects; an objection to any of them is what it says. */
function note(
  ancestors: Map<string, { object: ObjectRef; entries: Map<string, ParentStatus> }>,
  { policy, target }: Attachment,
  condition: Condition,
): void {
  const key = objectKey(policy);
  const status = ancestors.get(key) ?? { object: policy, entries: new Map() };
  ancestors.set(key, status);
  const at = targetKey(target);
  const known = status.entries.get(at);
  if (known !== undefined && condition.status === "True") return;
  status.entries.set(at, {
    parent: target.object,
    ...(target.sectionName === undefined ? {} : { sectionName: target.sectionName }),
    ...(target.port === undefined ? {} : { port: target.port }),
    conditions: [condition],
  });
}

/** Gateway API's rule for conflicts: creation time, then namespace/name. A file's objects have no time and come last. */
export function byPrecedence(
  a: { creationTimestamp?: string; policy: ObjectRef },
  b: { creationTimestamp?: string; policy: ObjectRef },
): number {
  return compareAge(a.creationTimestamp, a.policy, b.creationTimestamp, b.policy);
}

export function compareAge(
  aTime: string | undefined,
  a: ObjectRef,
  bTime: string | undefined,
  b: ObjectRef,
): number {
  if (aTime !== bTime) {
    if (aTime === undefined) return 1;
    if (bTime === undefined) return -1;
    const difference = Date.parse(aTime) - Date.parse(bTime);
    if (difference !== 0) return difference;
  }
  const aName = `${a.namespace}/${a.name}`;
  const bName = `${b.namespace}/${b.name}`;
  return aName < bName ? -1 : aName > bName ? 1 : 0;
}

function targetText({ object, sectionName, port }: PolicyTarget): string {
  const section = sectionName === undefined ? "" : `, section ${sectionName}`;
  return `${objectText(object)}${port === undefined ? "" : `:${port}`}${section}`;
}
