// Third pass: the policies of all dialects name their targets, and for each target one of them is chosen.
import { type Condition, objectKey } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind } from "../dialect.ts";
import type { FieldPath, FindingDraft } from "../findings.ts";
import { GATEWAY } from "../gateway-api/gateway.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import { LISTENER_SETS } from "../gateway-api/listener-set.ts";
import { SERVICE_ENTRY } from "../istio/service-entry.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { type Attachment, type PolicyTarget, targetKey } from "../policies/attachment.ts";
import {
  type AttachedPolicies,
  decideEffects,
  type PolicyVerdicts,
  targetNotFound,
} from "../policies/effects.ts";
import { TRUST_NOBODY } from "../policies/upstream-tls.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";

/** `effects` keep their identity while no policy changes and no target comes or goes. */
export function attachPolicies(
  kinds: readonly PolicyKind[],
  objects: ObjectSet,
  options: TranslateOptions,
  recall: Recall,
): AttachedPolicies {
  const attachments: Attachment[] = [];
  /**
   * Half a policy is none: what could not be read might have been what made the rest right. That a target is missing is
   * told all the same.
   */
  const idle: Attachment[] = [];
  /** In place of those that ask for TLS. */
  const guards: Attachment[] = [];
  const findings: FindingDraft[] = [];
  const invalid: PolicyVerdicts[] = [];
  for (const policyKind of kinds) {
    for (const policy of objects.all(policyKind.kind)) {
      const inputs = policyKind.dependsOn?.(objects, policy) ?? [];
      const told = recall.result("attachments", policy, inputs, () =>
        policyKind.attach(policy, objects, options),
      );
      findings.push(...told.findings);
      const halved = policy.inError || told.inError === true;
      if (halved || policy.isOutdated === true) {
        invalid.push(recall.result("invalid policies", policy, [told], () => invalidAt(policy, told.result)));
      }
      if (halved) {
        idle.push(...told.result.filter(({ targetPath }) => !isWrong(policy, targetPath)));
        guards.push(...told.result.filter(asksForTls).map((one) => guard(one, recall)));
      } else {
        attachments.push(...told.result);
      }
    }
  }
  attachments.push(...guards.filter(({ target }) => exists(target, objects)));
  const there = attachments.map(({ target }) => exists(target, objects));
  const decided = recall.result("effects", "", [...attachments, ...there], () => {
    const present = new Map(attachments.map(({ target }, index) => [target, there[index] as boolean]));
    return decideEffects(attachments, (target) => present.get(target) ?? false);
  });
  const inError = new Set(invalid.map(({ object }) => objectKey(object)));
  const valid = decided.verdicts.filter(({ object }) => !inError.has(objectKey(object)));
  const missing = [...new Map(idle.map((attachment) => [placeOf(attachment), attachment])).values()]
    .filter(({ target }) => !exists(target, objects))
    .map((attachment) => recall.result("missing target", attachment, [], () => targetNotFound(attachment)));
  return {
    effects: decided.effects,
    verdicts: recall.list("verdicts on policies", "", [...valid, ...invalid]),
    findings: [...findings, ...missing, ...decided.findings],
  };
}

function invalidAt({ object }: Reading, attachments: readonly Attachment[]): PolicyVerdicts {
  const targets = new Map(attachments.map(({ target }) => [targetKey(target), target]));
  return { object, targets: [...targets.values()].map((target) => ({ target, conditions: [INVALID] })) };
}

function asksForTls({ effect }: Attachment): boolean {
  return effect.kind === "backendSettings" && effect.settings.tls !== undefined;
}

/** Nothing goes in the clear, or to whom half a policy would trust, because a policy that asks for TLS is in error. */
function guard(attachment: Attachment, recall: Recall): Attachment {
  return recall.result("guards", attachment, [], () => ({
    ...attachment,
    effect: { kind: "backendSettings", settings: { tls: TRUST_NOBODY } },
  }));
}

/** The reference has findings of its own already. */
function isWrong(policy: Reading, targetPath: FieldPath): boolean {
  return policy.findings.some(({ severity, path }) => {
    return severity === "error" && targetPath.every((step, depth) => step === path[depth]);
  });
}

/** The same for all effects of a policy at one target. */
function placeOf({ policy, target }: Attachment): string {
  return `${objectKey(policy)} ${targetKey(target)}`;
}

const INVALID: Condition = {
  type: "Accepted",
  status: "False",
  reason: "Invalid",
  message: "The policy is in error; see the findings",
};

function exists({ object, sectionName, port }: PolicyTarget, objects: ObjectSet): boolean {
  if (!objects.has(object)) return false;
  if (sectionName !== undefined && object.kind === "Gateway") {
    const listeners = objects.get(GATEWAY, object.namespace, object.name)?.value.spec.listeners ?? [];
    return listeners.some(({ name }) => name === sectionName);
  }
  const set = LISTENER_SETS.find(({ group, kind }) => group === object.group && kind === object.kind);
  if (sectionName !== undefined && set !== undefined) {
    const listeners = objects.get(set, object.namespace, object.name)?.value.spec.listeners ?? [];
    return listeners.some(({ name }) => name === sectionName);
  }
  if (sectionName !== undefined && object.kind === "HTTPRoute") {
    const rules = objects.get(HTTP_ROUTE, object.namespace, object.name)?.value.spec.rules ?? [];
    return rules.some(({ name }) => name === sectionName);
  }
  if ((port ?? sectionName) !== undefined && object.kind === "Service") {
    const ports = objects.get(SERVICE, object.namespace, object.name)?.value.spec.ports ?? [];
    return ports.some((one) => one.port === port || one.name === sectionName);
  }
  if (port !== undefined && object.kind === SERVICE_ENTRY.kind) {
    const ports = objects.get(SERVICE_ENTRY, object.namespace, object.name)?.value.spec.ports ?? [];
    return ports.some(({ number }) => number === port);
  }
  // No other kind has parts: nothing that is said of one would ever be looked for.
  return (port ?? sectionName) === undefined;
}
