// HttpListenerOption of Gloo: attaches a stateful session to the listeners of a Gateway, for all of their routes.
import { z } from "zod";
import { objectText } from "../../model/index.ts";
import type { PolicyKind } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, attachIdle, type PlacedTarget } from "../policies/attach.ts";
import type { Attachment } from "../policies/attachment.ts";
import { compareAge } from "../policies/effects.ts";
import { declaredAt } from "../policies/session-origin.ts";
import { sessionRemarks } from "../policies/session-remarks.ts";
import { noTarget } from "../policies/targets.ts";
import { tokenRules } from "../policies/token-rules.ts";
import { checked, ignored, localTargetWithSection, namespaceName, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { namespacedStatuses } from "./fields.ts";
import { compileStatefulSession, statefulSession } from "./stateful-session.ts";

const GLOO_GATEWAY_GROUP = "gateway.solo.io";
/** The last is what became of the second in Gateway API 1.5. */
const TARGETS = [
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.x-k8s.io/XListenerSet",
  "gateway.networking.k8s.io/ListenerSet",
];

const target = checked(
  localTargetWithSection.extend({ namespace: namespaceName.optional() }),
  ({ group, kind }) => {
    if (TARGETS.includes(`${group}/${kind}`)) return undefined;
    return rule({
      path: ["kind"],
      message: `an HttpListenerOption cannot target ${kind} of group ${JSON.stringify(group)}`,
      expected: "a Gateway, a ListenerSet or an XListenerSet",
      hint: "write group: gateway.networking.k8s.io and kind: Gateway",
    });
  },
);

/** The options of a Gloo HTTP listener beside the session. */
const OTHER_OPTIONS = [
  "buffer",
  "caching",
  "connectionLimit",
  "csrf",
  "disableExtProc",
  "disableExtProcEarly",
  "disableExtProcLate",
  "dlp",
  "dynamicForwardProxy",
  "extProc",
  "extProcEarly",
  "extProcLate",
  "extauth",
  "extensions",
  "grpcJsonTranscoder",
  "grpcWeb",
  "gzip",
  "headerValidationSettings",
  "healthCheck",
  "httpConnectionManagerSettings",
  "httpLocalRatelimit",
  "leftmostXffAddress",
  "networkLocalRatelimit",
  "proxyLatency",
  "ratelimitServer",
  "router",
  "sanitizeClusterHeader",
  "tap",
  "waf",
  "wasm",
] as const;

const otherOption = ignored(
  z.unknown(),
  "of a listener's options only statefulSession is honoured",
  "remove the option",
);

type OtherOptions = Record<(typeof OTHER_OPTIONS)[number], typeof otherOption>;

export const HTTP_LISTENER_OPTION = defineKind(
  { group: GLOO_GATEWAY_GROUP, kind: "HttpListenerOption", versions: ["v1"] },
  {
    spec: checked(
      z.strictObject({
        targetRefs: z.array(target).default([]),
        namespacedStatuses,
        options: z
          .strictObject({
            statefulSession: statefulSession.optional(),
            ...(Object.fromEntries(OTHER_OPTIONS.map((name) => [name, otherOption])) as OtherOptions),
          })
          .optional(),
      }),
      ({ targetRefs }) =>
        targetRefs.length > 0
          ? undefined
          : noTarget(["targetRefs"], "{group: gateway.networking.k8s.io, kind: Gateway, name: my-gateway}"),
    ),
  },
);

type Value = ValueOf<typeof HTTP_LISTENER_OPTION>;
type Option = Reading<Value>;
type Target = z.output<typeof target>;

export const HTTP_LISTENER_OPTION_KIND: PolicyKind<Value> = {
  kind: HTTP_LISTENER_OPTION,
  dependsOn: (objects) => [objects.all(HTTP_LISTENER_OPTION)],
  attach: (policy, objects, options) => {
    const { object, value } = policy;
    const declared = value.spec.options?.statefulSession;
    const at = ["spec", "options", "statefulSession"];
    const origin = declaredAt(object, policy.writtenPath(at));
    const session =
      declared && compileStatefulSession(declared, objectText(object), origin, tokenRules(options));
    if (session === undefined) {
      const own = ({ namespace = object.namespace }: Target) => namespace === object.namespace;
      return {
        result: value.spec.targetRefs.flatMap((ref, index) =>
          own(ref) ? [attachIdle(policy, placed(policy, ref, index), "routeSettings")] : [],
        ),
        findings: [],
      };
    }
    const findings: FindingDraft[] = [...sessionRemarks(policy, at, session)];
    const result: Attachment[] = [];
    for (const [index, ref] of value.spec.targetRefs.entries()) {
      const path = ["spec", "targetRefs", index];
      const objection = elsewhere(policy, ref) ?? preceded(policy, ref, objects);
      if (objection !== undefined) {
        findings.push(draftFinding(objection.code, object, policy.writtenPath(path), objection));
        continue;
      }
      const narrower = hidden(policy, ref, objects);
      if (narrower !== undefined) {
        findings.push(draftFinding(narrower.code, object, policy.writtenPath(path), narrower));
      }
      result.push(attach(policy, placed(policy, ref, index), { kind: "session", session }));
    }
    return { result, findings };
  },
};

function placed({ object }: Option, { group, kind, name, sectionName }: Target, index: number): PlacedTarget {
  const section = sectionName === undefined ? {} : { sectionName };
  const target = { object: { group, kind, namespace: object.namespace, name }, ...section };
  return { target, path: ["spec", "targetRefs", index] };
}

/** Gloo looks for targets in the option's own namespace only, although the field is there. */
function elsewhere({ object }: Option, { namespace }: Target) {
  if (namespace === undefined || namespace === object.namespace) return undefined;
  return {
    code: "target-not-found",
    message: `an HttpListenerOption reaches no target in namespace ${namespace}, only in its own, ${object.namespace}`,
    expected: `namespace: ${object.namespace}`,
    hint: `move the option to namespace ${namespace}`,
  } as const;
}

/**
 * Of several options at one target Gloo uses the oldest alone, whatever it says. Where that one declares a session
 * too, the conflict is found with those of all policies; this is for one that declares none.
 */
function preceded(policy: Option, ref: Target, objects: ObjectSet) {
  const { namespace } = policy.object;
  const isSame = (other: Target) =>
    (other.namespace ?? namespace) === namespace &&
    other.kind === ref.kind &&
    other.name === ref.name &&
    other.sectionName === ref.sectionName;
  const first = objects
    .all(HTTP_LISTENER_OPTION)
    .filter(({ object }) => object.namespace === namespace)
    .filter(({ value }) => value.spec.targetRefs.some(isSame))
    .sort(byAge)[0];
  if (first === undefined || first.value.spec.options?.statefulSession !== undefined) return undefined;
  return {
    code: "policy-conflict",
    message: `${objectText(first.object)} is older and applies to this target alone, without a session`,
    expected: "one HttpListenerOption for each target",
    hint: `move options.statefulSession into ${objectText(first.object)}`,
  } as const;
}

/** At a listener Gloo uses what names it alone, and merges nothing from the Gateway. */
function hidden(policy: Option, ref: Target, objects: ObjectSet) {
  if (ref.sectionName !== undefined) return undefined;
  const { namespace } = policy.object;
  const others = objects
    .all(HTTP_LISTENER_OPTION)
    .filter(({ object, value }) => {
      return object.namespace === namespace && value.spec.options?.statefulSession === undefined;
    })
    .flatMap(({ object, value }) => value.spec.targetRefs.map((target) => ({ object, target })));
  const found = others.find(({ target }) => {
    const isOwn = (target.namespace ?? namespace) === namespace && target.sectionName !== undefined;
    return isOwn && target.kind === ref.kind && target.name === ref.name;
  });
  if (found === undefined) return undefined;
  const other = objectText(found.object);
  return {
    code: "field-approximated",
    message: `the session holds on listener ${found.target.sectionName} too, where Gloo would use ${other} alone`,
    expected: "one HttpListenerOption that says all there is to say of a listener",
    hint: `move options.statefulSession into ${other} as well, where clients of that listener are to be kept`,
  } as const;
}

function byAge(a: Option, b: Option): number {
  const [aTime, bTime] = [a.value.metadata.creationTimestamp, b.value.metadata.creationTimestamp];
  return compareAge(aTime, a.object, bTime, b.object);
}
