// AffinityPolicy: sessions and hashing for Gateways, routes and backends, all that no other dialect can say included.
import { z } from "zod";
import { type Condition, objectText } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { EXPERIMENTAL_GROUP, GATEWAY_GROUP } from "../gateway-api/names.ts";
import { X_BACKEND } from "../gateway-api/x-backend.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, type PlacedTarget } from "../policies/attach.ts";
import type { Attachment, Effect, PolicyTarget } from "../policies/attachment.ts";
import { sessionAt } from "../policies/session-place.ts";
import {
  checked,
  type FieldProblem,
  groupName,
  kindName,
  objectName,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { hashBalancer, hashPolicies, hashSchema } from "./affinity-hash.ts";
import { sessionSchema } from "./affinity-session.ts";
import { compileSession, sealedWithoutKeys } from "./compile-session.ts";
import { validation } from "./validation.ts";

export const LIMPET_GROUP = "limpet.dev";

/** group/kind of all that the policy can target. */
const ROUTES = ["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute"].map((kind) => `${GATEWAY_GROUP}/${kind}`);
const BACKENDS = [`/${SERVICE.kind}`, `${EXPERIMENTAL_GROUP}/${X_BACKEND.kind}`];

const target = checked(
  z.strictObject({
    group: groupName.describe(
      `Group of the target: \`${GATEWAY_GROUP}\`, \`""\` or \`${EXPERIMENTAL_GROUP}\`.`,
    ),
    kind: kindName.describe("`Gateway`, `ListenerSet`, `HTTPRoute`, `GRPCRoute`, `Service` or `XBackend`."),
    name: objectName.describe("Name of the target, in the policy's own namespace."),
    sectionName: sectionName
      .optional()
      .describe(
        "A part of the target: a listener of a Gateway or ListenerSet, a rule of a route, or a port of a Service, by its name.",
      ),
  }),
  ({ group, kind, sectionName }) => {
    const named = `${group}/${kind}`;
    if (![...ROUTES, ...BACKENDS].includes(named)) {
      return rule({
        path: ["kind"],
        message: `an AffinityPolicy cannot target ${kind} of group ${JSON.stringify(group)}`,
        expected: "a Gateway, a ListenerSet, an HTTPRoute, a GRPCRoute, a Service or an XBackend",
        hint: `write group: ${GATEWAY_GROUP} and kind: HTTPRoute`,
      });
    }
    if (kind !== X_BACKEND.kind || sectionName === undefined) return undefined;
    return rule({
      path: ["sectionName"],
      message: "an XBackend has no sections",
      expected: "no sectionName",
      hint: "remove sectionName",
    });
  },
).meta({
  description: "An object, or a part of it.",
  ...validation(
    [
      `[${[...ROUTES, ...BACKENDS].map((one) => `'${one}'`).join(", ")}].exists(one, one == self.group + '/' + self.kind)`,
      "the kind cannot be targeted",
    ],
    [`self.kind != '${X_BACKEND.kind}' || !has(self.sectionName)`, "an XBackend has no sections"],
  ),
});

type TargetValue = z.output<typeof target>;

const spec = checked(
  z.strictObject({
    targetRefs: checked(z.array(target).min(1).max(16), distinctTargets).meta({
      description: "What the policy applies to.",
      "x-kubernetes-list-type": "atomic",
    }),
    session: sessionSchema.optional(),
    hash: hashSchema.optional(),
  }),
  ({ session, hash }) => {
    if (session !== undefined || hash !== undefined) return undefined;
    return rule({
      absent: ["session", "hash"],
      message: "the policy says nothing",
      expected: "session, or hash, or both",
      hint: "add session: {cookie: {name: session}}",
    });
  },
).meta({
  description: "What keeps clients on their endpoints, and for which requests.",
  ...validation(["has(self.session) || has(self.hash)", "session, or hash, or both"]),
});

function distinctTargets(targets: readonly TargetValue[]): FieldProblem[] {
  const texts = targets.map(({ group, kind, name, sectionName }) =>
    [group, kind, name, sectionName].join("/"),
  );
  return texts.flatMap((text, index) => {
    if (texts.indexOf(text) === index) return [];
    const message = "the same target stands here twice";
    return [rule({ path: [index], message, expected: "each target once", hint: "remove one of them" })];
  });
}

export const AFFINITY_POLICY_SPEC = spec;

export const AFFINITY_POLICY = defineKind(
  { group: LIMPET_GROUP, kind: "AffinityPolicy", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof AFFINITY_POLICY>;
type Policy = Reading<Value>;

export const AFFINITY_POLICY_KIND: PolicyKind<Value> = {
  kind: AFFINITY_POLICY,
  dependsOn: (objects, { object, value }) =>
    value.spec.targetRefs
      .filter(({ kind, sectionName }) => kind === SERVICE.kind && sectionName !== undefined)
      .map(({ name }) => objects.get(SERVICE, object.namespace, name)),
  attach: (policy, objects, options) => {
    const { session, hash, targetRefs } = policy.value.spec;
    const compiled = session && compileSession(session, policy, options);
    const inError = session?.token.format === "sealed" && options.sealTokens !== true;
    const findings: FindingDraft[] = [];
    if (inError) findings.push(sealedWithoutKeys(policy));
    else if (!policy.inError) findings.push(...(compiled?.findings ?? []));
    const result = targetRefs.flatMap((ref, index): Attachment[] => {
      const placed = { target: targetOf(policy, ref, objects), path: ["spec", "targetRefs", index] };
      const atBackend = BACKENDS.includes(`${ref.group}/${ref.kind}`);
      const effects: Effect[] = [];
      if (session !== undefined && compiled !== undefined) {
        const unnamed = session.cookie !== undefined && session.cookie.name === undefined;
        const persistence = {
          ...compiled.result,
          split: session.split ?? (atBackend ? "weight" : "session"),
        };
        effects.push(
          atBackend && unnamed
            ? { kind: "session", session: sessionAt(persistence, placeOf(placed.target)) }
            : { kind: "session", session: persistence, ...(unnamed ? { unnamed } : {}) },
        );
      }
      if (hash !== undefined) effects.push(hashEffect(hash, atBackend));
      return effects.map((effect) => attachment(policy, placed, effect));
    });
    findings.push(...unserved(policy));
    return { result, findings, inError };
  },
};

function hashEffect(hash: NonNullable<Value["spec"]["hash"]>, atBackend: boolean): Effect {
  const loadBalancer = hashBalancer(hash);
  const policies = hashPolicies(hash);
  if (atBackend) {
    return { kind: "backendBalancing", loadBalancer: { ...loadBalancer, hashPolicies: policies } };
  }
  // One hash chooses backend and endpoint, so that a client stays where it is although its rule splits.
  return { kind: "routeBalancing", loadBalancer, hashPolicies: policies, splitByHash: true };
}

function attachment(policy: Policy, placed: PlacedTarget, effect: Effect): Attachment {
  const attached: Attachment = { ...attach(policy, placed, effect), goesFirst: true };
  return placed.target.object.kind === "GRPCRoute" ? { ...attached, conditions: [NOT_SERVED] } : attached;
}

const NOT_SERVED: Condition = {
  type: "Accepted",
  status: "False",
  reason: "Invalid",
  message: "GRPCRoutes are not served, so the policy has no effect there",
};

function unserved({ object, value, writtenPath }: Policy): FindingDraft[] {
  return value.spec.targetRefs.flatMap(({ kind, name }, index) => {
    if (kind !== "GRPCRoute") return [];
    const path: FieldPath = writtenPath(["spec", "targetRefs", index]);
    return [
      draftFinding("field-ignored", object, path, {
        message: `GRPCRoutes are not served yet, so the policy has no effect on ${name}`,
        expected: "a target that is served",
        hint: "target the Service behind the route, which HTTPRoutes lead to as well",
      }),
    ];
  });
}

/** A section of a Service is one of its ports, by name. */
function targetOf({ object }: Policy, ref: TargetValue, objects: ObjectSet): PolicyTarget {
  const { group, kind, name, sectionName } = ref;
  const target = { object: { group, kind, namespace: object.namespace, name } };
  if (sectionName === undefined) return target;
  const ports = kind === SERVICE.kind ? objects.get(SERVICE, object.namespace, name)?.value.spec.ports : [];
  const port = ports?.find((one) => one.name === sectionName)?.port;
  return port === undefined ? { ...target, sectionName } : { ...target, port };
}

/** What the name of a backend's own session is made of. */
function placeOf({ object, port }: PolicyTarget): string {
  return port === undefined ? objectText(object) : `${objectText(object)}:${port}`;
}
