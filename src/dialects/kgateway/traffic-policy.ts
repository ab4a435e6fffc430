// TrafficPolicy of kgateway: timeouts and retries for Gateways, listeners, routes and rules.
import { z } from "zod";
import type { PolicyKind, Told } from "../dialect.ts";
import { GATEWAY } from "../gateway-api/gateway.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import { LISTENER_SETS } from "../gateway-api/listener-set.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, attachIdle, type PlacedTarget } from "../policies/attach.ts";
import type { Effect } from "../policies/attachment.ts";
import { findTargets, noTarget, type TargetSelector } from "../policies/targets.ts";
import {
  checked,
  durationMs,
  groupName,
  ignored,
  kindName,
  localTargetWithSection,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { defineKind, type Kind, type ValueOf } from "../schema/kind.ts";
import { selects } from "../schema/label-selector.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import { KGATEWAY_GROUP } from "./names.ts";
import { compileRetry, retrySchema, timeoutsSchema } from "./retry.ts";

function isTarget({ kind }: { readonly kind: string }) {
  if (["Gateway", "HTTPRoute", "GRPCRoute"].includes(kind) || kind.endsWith("ListenerSet")) return undefined;
  return rule({
    path: ["kind"],
    message: `a TrafficPolicy cannot target ${kind}`,
    expected: "Gateway, HTTPRoute, GRPCRoute or ListenerSet",
    hint: "write group: gateway.networking.k8s.io and kind: HTTPRoute",
  });
}

const selector = z.strictObject({
  group: groupName,
  kind: kindName,
  matchLabels: z.record(z.string(), z.string()).default({}),
  sectionName: sectionName.optional(),
});

/** What the policy can say beside timeouts and retries. */
const OTHERS = [
  "transformation",
  "extProc",
  "extAuth",
  "rateLimit",
  "cors",
  "csrf",
  "headerModifiers",
  "autoHostRewrite",
  "buffer",
  "internalRedirect",
  "rbac",
  "jwtAuth",
  "urlRewrite",
  "compression",
  "basicAuth",
  "apiKeyAuth",
  "oauth2",
  "tracing",
  "faultInjection",
  "acl",
  "statPrefix",
] as const;

/** Filters of the HTTPRoute that do the same. */
const FILTERS: Readonly<Record<string, string>> = {
  cors: "CORS",
  headerModifiers: "RequestHeaderModifier or ResponseHeaderModifier",
  urlRewrite: "URLRewrite",
};

const others = Object.fromEntries(
  OTHERS.map((name) => {
    const filter = FILTERS[name];
    const hint = filter === undefined ? "remove the field" : `use the filter ${filter} of the HTTPRoute`;
    return [name, ignored(z.unknown(), `${name} of a TrafficPolicy has no effect`, hint)];
  }),
) as Record<(typeof OTHERS)[number], ReturnType<typeof ignored<z.ZodUnknown>>>;

const spec = checked(
  z.strictObject({
    targetRefs: z.array(checked(localTargetWithSection, isTarget)).min(1).max(16).default([]),
    targetSelectors: z.array(checked(selector, isTarget)).default([]),
    timeouts: timeoutsSchema.optional(),
    retry: retrySchema.optional(),
    /** Until kgateway 2.1. */
    hashPolicies: ignored(
      z.array(z.looseObject({})),
      "what is hashed is said beside the balancer since kgateway 2.1",
      "move hashPolicies into loadBalancer.maglev or loadBalancer.ringHash of a BackendConfigPolicy for the Service",
    ),
    ...others,
  }),
  ({ targetRefs, targetSelectors, timeouts, retry }) => {
    const problems = [];
    if (targetRefs.length === 0 && targetSelectors.length === 0) {
      const example = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: my-route}";
      problems.push(noTarget(["targetRefs", "targetSelectors"], example));
    }
    const requestMs = durationMs(timeouts?.request ?? "0s");
    const attemptMs = durationMs(retry?.perTryTimeout ?? "0s");
    if (timeouts?.request !== undefined && attemptMs > 0 && attemptMs >= requestMs) {
      problems.push(
        rule({
          path: ["retry", "perTryTimeout"],
          message: "one attempt may take as long as the whole request",
          expected: `less than ${timeouts.request}`,
          hint: "write a longer timeouts.request, or a shorter perTryTimeout",
        }),
      );
    }
    return problems;
  },
);

export const TRAFFIC_POLICY = defineKind(
  { group: KGATEWAY_GROUP, kind: "TrafficPolicy", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof TRAFFIC_POLICY>;

export const TRAFFIC_POLICY_KIND: PolicyKind<Value> = {
  kind: TRAFFIC_POLICY,
  dependsOn: (objects) => SELECTABLE.map((one) => objects.all(one)),
  attach: (policy, objects) => {
    const { timeouts, retry } = policy.value.spec;
    const request = timeouts?.request;
    const { result, findings } = targetsOf(policy, objects);
    if (request === undefined && retry === undefined) {
      return { result: result.map((target) => attachIdle(policy, target, "routeSettings")), findings };
    }
    const effect: Effect = {
      kind: "routeSettings",
      ...(request === undefined ? {} : { timeouts: { requestMs: durationMs(request) } }),
      ...(retry === undefined ? {} : { retry: compileRetry(retry) }),
    };
    return { result: result.map((target) => attach(policy, target, effect)), findings };
  },
};

/** In the policy's own namespace. */
function targetsOf(policy: Reading<Value>, objects: ObjectSet): Told<readonly PlacedTarget[]> {
  const { namespace } = policy.object;
  const { targetRefs, targetSelectors } = policy.value.spec;
  const named = targetRefs.map(({ group, kind, name, sectionName }, index): PlacedTarget => {
    const section = sectionName === undefined ? {} : { sectionName };
    const path = ["spec", "targetRefs", index];
    return { target: { object: { group, kind, namespace, name }, ...section }, path };
  });
  const selectors = targetSelectors.map(({ kind, matchLabels, sectionName }, index): TargetSelector => {
    return {
      kind,
      path: ["spec", "targetSelectors", index],
      ...(sectionName === undefined ? {} : { sectionName }),
      candidates: SELECTABLE.filter((one) => one.kind === kind).flatMap((one) => objects.all(one)),
      selects: (labels) => selects({ matchLabels, matchExpressions: [] }, labels),
    };
  });
  return findTargets(policy, named, selectors);
}

const SELECTABLE: readonly Kind<{ metadata: Metadata }>[] = [GATEWAY, ...LISTENER_SETS, HTTP_ROUTE];
