// BackendTrafficPolicy of Envoy Gateway: attaches a balancer and its hash policies to Gateways and routes.
import { z } from "zod";
import type { PolicyKind, Told } from "../dialect.ts";
import { GATEWAY } from "../gateway-api/gateway.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import { GATEWAY_GROUP } from "../gateway-api/names.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, type PlacedTarget } from "../policies/attach.ts";
import { findTargets, type TargetSelector } from "../policies/targets.ts";
import { approximated, checked, groupName, ignored, localTargetWithSection, rule } from "../schema/fields.ts";
import { defineKind, type Kind, type ValueOf } from "../schema/kind.ts";
import { labelSelector, selects } from "../schema/label-selector.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import { loadBalancerSchema, routeBalancing, UNSAID } from "./load-balancer.ts";

const TARGET_KINDS = [
  "Gateway",
  "ListenerSet",
  "HTTPRoute",
  "GRPCRoute",
  "UDPRoute",
  "TCPRoute",
  "TLSRoute",
] as const;

const kind = z.enum(TARGET_KINDS);

function isGatewayApi({ group }: { readonly group: string }) {
  if (group === GATEWAY_GROUP) return undefined;
  return rule({
    path: ["group"],
    message: `a BackendTrafficPolicy cannot target group ${JSON.stringify(group)}`,
    expected: GATEWAY_GROUP,
    hint: `write group: ${GATEWAY_GROUP}`,
  });
}

const target = checked(localTargetWithSection.extend({ kind }), isGatewayApi);

const targetRef = checked(target, ({ kind, name }) => ({
  code: "deprecated-shape",
  severity: "info",
  message: "targetRef is deprecated in Envoy Gateway",
  expected: "targetRefs",
  hint: `write targetRefs: [{group: ${GATEWAY_GROUP}, kind: ${kind}, name: ${name}}]`,
}));

const selector = checked(
  labelSelector.extend({
    group: groupName.default(GATEWAY_GROUP),
    kind,
    namespaces: checked(
      z.strictObject({
        from: z.enum(["Same", "All", "Selector"]).default("Same"),
        selector: labelSelector.optional(),
      }),
      ({ from }) => {
        if (from === "Same") return undefined;
        return {
          path: ["from"],
          code: "field-approximated",
          severity: "warning",
          message: "targets are looked for in the policy's own namespace only",
          expected: "from: Same",
          hint: "write a policy into each namespace",
        };
      },
    ).optional(),
  }),
  isGatewayApi,
);

function notHonoured(subject: string, schema: z.ZodType = z.looseObject({}), hint = "remove the field") {
  return ignored(schema, `${subject} cannot be set by a policy yet`, hint);
}

const list = z.array(z.looseObject({}));

const spec = checked(
  z.strictObject({
    targetRef: targetRef.optional(),
    targetRefs: z.array(target).min(1).max(16).optional(),
    targetSelectors: z.array(selector).optional(),
    loadBalancer: loadBalancerSchema.optional(),
    mergeType: approximated(
      z.enum(["StrategicMerge", "JSONMerge"]),
      "a loadBalancer here replaces that of the Gateway's policy as a whole; without one the Gateway's applies",
      "remove mergeType where the policy has a loadBalancer",
    ),
    adaptiveConcurrency: notHonoured("adaptive concurrency"),
    admissionControl: notHonoured("admission control"),
    bandwidthLimit: notHonoured("bandwidth limits"),
    circuitBreaker: notHonoured("circuit breakers"),
    compression: notHonoured("compression", list),
    compressor: notHonoured("compression", list),
    connection: notHonoured("connection settings"),
    dns: notHonoured("name resolution"),
    faultInjection: notHonoured("fault injection"),
    healthCheck: notHonoured("health checks"),
    http2: notHonoured("HTTP/2 settings"),
    httpUpgrade: notHonoured("protocol upgrades", list, "remove the field: WebSocket is always served"),
    proxyProtocol: notHonoured("the PROXY protocol"),
    rateLimit: notHonoured("rate limits"),
    requestBuffer: notHonoured("buffering of requests"),
    responseOverride: notHonoured("other responses", list),
    retry: notHonoured("retries"),
    routingType: notHonoured(
      "the routing type",
      z.string(),
      "remove the field: endpoints are always used directly",
    ),
    tcpKeepalive: notHonoured("TCP keep-alive"),
    telemetry: notHonoured("telemetry"),
    timeout: notHonoured("timeouts", z.looseObject({}), "use the timeout flags of limpet run"),
    useClientProtocol: notHonoured("the protocol towards endpoints", z.boolean()),
  }),
  ({ targetRef, targetRefs, targetSelectors }) => {
    const hasSelectors = targetSelectors !== undefined && targetSelectors.length > 0;
    if (hasSelectors || (targetRef === undefined) !== (targetRefs === undefined)) return undefined;
    const both = targetRef !== undefined;
    return rule({
      ...(both ? { path: ["targetRef"] } : { absent: ["targetRef", "targetRefs", "targetSelectors"] }),
      message: both ? "targetRef and targetRefs stand together" : "the policy has no target",
      expected: "targetRefs, or targetSelectors",
      hint: both
        ? "remove targetRef"
        : `add targetRefs: [{group: ${GATEWAY_GROUP}, kind: HTTPRoute, name: my-route}]`,
    });
  },
);

export const BACKEND_TRAFFIC_POLICY = defineKind(
  { group: "gateway.envoyproxy.io", kind: "BackendTrafficPolicy", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof BACKEND_TRAFFIC_POLICY>;
type Policy = Reading<Value>;

export const BACKEND_TRAFFIC_POLICY_KIND: PolicyKind<Value> = {
  kind: BACKEND_TRAFFIC_POLICY,
  dependsOn: (objects) => [
    objects.all(BACKEND_TRAFFIC_POLICY),
    objects.all(GATEWAY),
    objects.all(HTTP_ROUTE),
  ],
  attach: (policy, objects) => {
    const { loadBalancer } = policy.value.spec;
    const { result: targets, findings } = targetsOf(policy, objects);
    if (loadBalancer !== undefined) {
      const effect = routeBalancing(loadBalancer);
      return { result: targets.map((target) => attach(policy, target, effect)), findings };
    }
    if (!hidesGateway(policy, objects)) return { result: [], findings };
    const routes = targets.filter(({ target }) => target.object.kind !== "Gateway");
    return { result: routes.map((target) => attach(policy, target, UNSAID)), findings };
  },
};

/**
 * Envoy Gateway merges nothing unless told to: a policy at a route that says nothing of balancing hides what the
 * Gateway's policy says. Where no other policy says anything there is nothing to hide.
 */
function hidesGateway(policy: Policy, objects: ObjectSet): boolean {
  if (policy.value.spec.mergeType !== undefined) return false;
  return objects.all(BACKEND_TRAFFIC_POLICY).some(({ value }) => value.spec.loadBalancer !== undefined);
}

/** In the policy's own namespace. */
function targetsOf(policy: Policy, objects: ObjectSet): Told<readonly PlacedTarget[]> {
  const { namespace } = policy.object;
  const { targetRef, targetRefs = [], targetSelectors = [] } = policy.value.spec;
  const single = targetRef === undefined ? [] : [{ ref: targetRef, path: ["spec", "targetRef"] }];
  const several = targetRefs.map((ref, index) => ({ ref, path: ["spec", "targetRefs", index] }));
  const named = [...single, ...several].map(({ ref, path }): PlacedTarget => {
    const { group, kind, name, sectionName } = ref;
    const section = sectionName === undefined ? {} : { sectionName };
    return { target: { object: { group, kind, namespace, name }, ...section }, path };
  });
  const selectors = targetSelectors.map(
    (selector, index): TargetSelector => ({
      kind: selector.kind,
      path: ["spec", "targetSelectors", index],
      candidates: candidates(selector.kind, objects),
      selects: (labels) => selects(selector, labels),
    }),
  );
  return findTargets(policy, named, selectors);
}

const SELECTABLE: readonly Kind<{ metadata: Metadata }>[] = [GATEWAY, HTTP_ROUTE];

function candidates(kind: string, objects: ObjectSet): readonly Reading<{ metadata: Metadata }>[] {
  return SELECTABLE.filter((one) => one.kind === kind).flatMap((one) => objects.all(one));
}
