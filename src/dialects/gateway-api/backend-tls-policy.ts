// BackendTLSPolicy: TLS towards the endpoints of a backend, or of one port of it, and whom to trust there.
import { z } from "zod";
import type { BackendTls, Condition } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach } from "../policies/attach.ts";
import type { Attachment, PolicyTarget } from "../policies/attachment.ts";
import { TRUST_NOBODY } from "../policies/upstream-tls.ts";
import { checked, type FieldProblem, localTargetWithSection, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import {
  backendTlsInputs,
  backendValidation,
  type ResolvedBackendTls,
  resolveBackendTls,
  unresolvedText,
} from "./backend-tls.ts";
import { EXPERIMENTAL_GROUP, GATEWAY_GROUP } from "./names.ts";
import { tlsOptions, versionsOf } from "./tls-options.ts";

/** What a backendRef may name and has no TLS settings of a policy of its own dialect. */
const TARGETS = ["/Service", `${EXPERIMENTAL_GROUP}/XBackend`, "gateway.envoyproxy.io/Backend"];

const target = checked(localTargetWithSection, ({ group, kind }) => {
  if (TARGETS.includes(`${group}/${kind}`)) return undefined;
  return rule({
    path: ["kind"],
    message: `a BackendTLSPolicy cannot target ${kind} of group ${JSON.stringify(group)}`,
    expected: "a Service or another kind of backend",
    hint: 'write group: "" and kind: Service',
  });
});

type TargetValue = z.output<typeof target>;

function distinctTargets(targets: readonly TargetValue[]): FieldProblem[] {
  return targets.flatMap((one, index) => {
    const twins = targets.slice(0, index).filter((other) => isSameObject(one, other));
    const apart = twins.every(({ sectionName }) => {
      const both = sectionName !== undefined && one.sectionName !== undefined;
      return both && sectionName !== one.sectionName;
    });
    if (apart) return [];
    return [
      rule({
        path: [index],
        message: `${one.kind} ${one.name} is named by two targetRefs that nothing tells apart`,
        expected: "another sectionName in each reference to the same target",
        hint: "add sectionName to both, or remove one",
      }),
    ];
  });
}

function isSameObject(a: TargetValue, b: TargetValue): boolean {
  return a.group === b.group && a.kind === b.kind && a.name === b.name;
}

const spec = checked(
  z.strictObject({
    targetRefs: checked(z.array(target).min(1).max(16), distinctTargets),
    validation: backendValidation.optional(),
    options: tlsOptions,
  }),
  ({ validation }) => {
    if (validation !== undefined) return undefined;
    return rule({
      absent: ["validation"],
      message: "the policy does not say how endpoints are verified",
      expected: "validation",
      hint: "add validation: {hostname: app.example.com, wellKnownCACertificates: System}",
    });
  },
);

export const BACKEND_TLS_POLICY = defineKind(
  { group: GATEWAY_GROUP, kind: "BackendTLSPolicy", versions: ["v1", "v1alpha3"] },
  { spec },
);

type Value = ValueOf<typeof BACKEND_TLS_POLICY>;

export const BACKEND_TLS_POLICY_KIND: PolicyKind<Value> = {
  kind: BACKEND_TLS_POLICY,
  dependsOn: (objects, { object, value }) => [
    ...backendTlsInputs(value.spec.validation, object, objects),
    ...value.spec.targetRefs
      .filter(({ sectionName }) => sectionName !== undefined)
      .map(({ name }) => objects.get(SERVICE, object.namespace, name)),
  ],
  attach: (policy, objects) => {
    const { object, value } = policy;
    const { validation, options } = value.spec;
    const resolved = validation === undefined ? undefined : resolveBackendTls(validation, object, objects);
    const at = ["spec", "validation"];
    const findings = (resolved?.problems ?? []).map(({ problem, path }): FindingDraft => {
      const place = policy.writtenPath([...at, ...path]);
      return draftFinding("invalid-certificate-reference", object, place, unresolvedText(problem));
    });
    const tls: BackendTls = { ...(resolved?.tls ?? TRUST_NOBODY), ...versionsOf(options) };
    const result = value.spec.targetRefs.map((ref, index): Attachment => {
      const placed = { target: targetOf(policy, ref, objects), path: ["spec", "targetRefs", index] };
      const attachment = attach(policy, placed, { kind: "backendSettings", settings: { tls } });
      return resolved === undefined ? attachment : { ...attachment, conditions: conditionsOf(resolved) };
    });
    return { result, findings };
  },
};

/** A section of a Service is one of its ports, by name. */
function targetOf(
  { object }: Reading<Value>,
  { group, kind, name, sectionName }: TargetValue,
  objects: ObjectSet,
): PolicyTarget {
  const target = { object: { group, kind, namespace: object.namespace, name } };
  if (sectionName === undefined) return target;
  const ports = kind === "Service" ? objects.get(SERVICE, object.namespace, name)?.value.spec.ports : [];
  const port = ports?.find((one) => one.name === sectionName)?.port;
  return port === undefined ? { ...target, sectionName } : { ...target, port };
}

function conditionsOf({ unresolved, refusal }: ResolvedBackendTls): readonly Condition[] {
  const reason = unresolved?.reason === "InvalidKind" ? "InvalidKind" : "InvalidCACertificateRef";
  return [
    refusal === undefined
      ? { type: "Accepted", status: "True", reason: "Accepted", message: "The policy is in force" }
      : { type: "Accepted", status: "False", ...refusal },
    unresolved === undefined
      ? {
          type: "ResolvedRefs",
          status: "True",
          reason: "ResolvedRefs",
          message: "All references lead somewhere",
        }
      : { type: "ResolvedRefs", status: "False", reason, message: unresolved.message },
  ];
}
