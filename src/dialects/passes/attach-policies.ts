// Third pass: the policies of all dialects name their targets, and for each target one of them is chosen.
import type { PolicyKind } from "../dialect.ts";
import type { FindingDraft } from "../findings.ts";
import { GATEWAY } from "../gateway-api/gateway.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import type { Attachment, PolicyTarget } from "../policies/attachment.ts";
import { type AttachedPolicies, decideEffects } from "../policies/effects.ts";

/** The result keeps its identity while no policy changes and no target comes or goes. */
export function attachPolicies(
  kinds: readonly PolicyKind[],
  objects: ObjectSet,
  recall: Recall,
): AttachedPolicies {
  const attachments: Attachment[] = [];
  const findings: FindingDraft[] = [];
  for (const policyKind of kinds) {
    for (const policy of objects.all(policyKind.kind)) {
      // Half a policy is none: what could not be read might have been what made the rest right.
      if (policy.inError) continue;
      const key = `${policyKind.kind.kind}/${policy.object.namespace}/${policy.object.name}`;
      const inputs = [policy, ...(policyKind.dependsOn?.(objects) ?? [])];
      const told = recall.result("attachments", key, inputs, () => policyKind.attach(policy, objects));
      attachments.push(...told.result);
      findings.push(...told.findings);
    }
  }
  const there = attachments.map(({ target }) => exists(target, objects));
  const decided = recall.result("effects", "", [...attachments, ...there], () => {
    const present = new Map(attachments.map(({ target }, index) => [target, there[index] as boolean]));
    return decideEffects(attachments, (target) => present.get(target) ?? false);
  });
  return findings.length === 0 ? decided : { ...decided, findings: [...findings, ...decided.findings] };
}

function exists({ object, sectionName, port }: PolicyTarget, objects: ObjectSet): boolean {
  if (!objects.has(object)) return false;
  if (sectionName !== undefined && object.kind === "Gateway") {
    const listeners = objects.get(GATEWAY, object.namespace, object.name)?.value.spec.listeners ?? [];
    return listeners.some(({ name }) => name === sectionName);
  }
  if (sectionName !== undefined && object.kind === "HTTPRoute") {
    const rules = objects.get(HTTP_ROUTE, object.namespace, object.name)?.value.spec.rules ?? [];
    return rules.some(({ name }) => name === sectionName);
  }
  return port === undefined || objects.has(object);
}
