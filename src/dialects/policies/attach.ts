// Makes an attachment out of a policy, a target and an effect: the parts that are the same in every dialect.
import type { Condition } from "../../model/index.ts";
import type { FieldPath } from "../findings.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import type { Attachment, Effect, PolicyTarget } from "./attachment.ts";

/** A target, and the path in the policy's value of what names it. */
export interface PlacedTarget {
  readonly target: PolicyTarget;
  readonly path: FieldPath;
}

export function attach(
  policy: Reading<{ readonly metadata: Metadata }>,
  { target, path }: PlacedTarget,
  effect: Effect,
): Attachment {
  const { creationTimestamp } = policy.value.metadata;
  return {
    policy: policy.object,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    target,
    targetPath: policy.writtenPath(path),
    effect,
  };
}

/**
 * A policy of which nothing is honoured, at a target: it changes nothing there, and has a status that says so. Without
 * one nobody in a cluster would be told, not even of what is ignored.
 */
export function attachIdle(
  policy: Reading<{ readonly metadata: Metadata }>,
  placed: PlacedTarget,
  kind: "routeSettings" | "backendSettings",
): Attachment {
  const effect: Effect = kind === "routeSettings" ? { kind } : { kind, settings: {} };
  return { ...attach(policy, placed, effect), conditions: [NOTHING_HONOURED] };
}

const NOTHING_HONOURED: Condition = {
  type: "Accepted",
  status: "False",
  reason: "Invalid",
  message: "Nothing that the policy says is honoured",
};
