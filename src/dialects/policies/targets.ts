// The targets of a policy: those that it names, and those that its selectors find in its own namespace.
import type { Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { type FieldProblem, rule } from "../schema/fields.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import type { PlacedTarget } from "./attach.ts";
import { targetKey } from "./attachment.ts";

type Labelled = Reading<{ readonly metadata: Metadata }>;

export interface TargetSelector {
  readonly kind: string;
  /** Path in the policy's value. */
  readonly path: FieldPath;
  /** The part of each object that is meant. */
  readonly sectionName?: string;
  /** The objects of that kind; empty for a kind that is not read. */
  readonly candidates: readonly Labelled[];
  selects(labels: Readonly<Record<string, string>>): boolean;
}

/** Each target once, named ones first; a selector that finds nothing is told. */
export function findTargets(
  policy: Labelled,
  named: readonly PlacedTarget[],
  selectors: readonly TargetSelector[],
): Told<readonly PlacedTarget[]> {
  const { namespace } = policy.object;
  const targets = [...named];
  const findings: FindingDraft[] = [];
  const known = new Set(named.map(({ target }) => targetKey(target)));
  for (const { kind, path, sectionName, candidates, selects } of selectors) {
    const section = sectionName === undefined ? {} : { sectionName };
    const found = candidates.filter(
      ({ object, value }) => object.namespace === namespace && selects(value.metadata.labels),
    );
    if (found.length === 0) findings.push(nothingSelected(policy, kind, path));
    for (const { object } of found) {
      const target = { object, ...section };
      if (known.has(targetKey(target))) continue;
      known.add(targetKey(target));
      targets.push({ target, path });
    }
  }
  return { result: targets, findings };
}

/** For policies that may be written without any target, and then have no effect. */
export function noTarget(fields: readonly string[], example: string): FieldProblem {
  return rule({
    severity: "warning",
    absent: fields,
    message: "the policy has no target, so it has no effect",
    expected: fields.join(" or "),
    hint: `add ${fields[0]}: [${example}]`,
  });
}

function nothingSelected({ object, writtenPath }: Labelled, kind: string, path: FieldPath): FindingDraft {
  return draftFinding("target-not-found", object, writtenPath(path), {
    message: `the selector finds no ${kind} in namespace ${object.namespace}`,
    expected: `labels of an existing ${kind}`,
    hint: "correct the labels, or name the target in targetRefs",
  });
}
