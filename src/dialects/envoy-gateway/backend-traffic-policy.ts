// BackendTrafficPolicy of Envoy Gateway: balancing, health, limits, timeouts and retries, attached to Gateways and routes.
import { z } from "zod";
import type { ObjectRef, Retry } from "../../model/index.ts";
import type { PolicyKind, Told } from "../dialect.ts";
import { GATEWAY } from "../gateway-api/gateway.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import { LISTENER_SET } from "../gateway-api/listener-set.ts";
import { GATEWAY_GROUP } from "../gateway-api/names.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, attachIdle, type PlacedTarget } from "../policies/attach.ts";
import type { Effect, PolicyTarget, RouteSettings } from "../policies/attachment.ts";
import { findTargets, type TargetSelector } from "../policies/targets.ts";
import {
  approximated,
  checked,
  duration,
  durationMs,
  groupName,
  ignored,
  localTargetWithSection,
  rule,
} from "../schema/fields.ts";
import { defineKind, type Kind, type ValueOf } from "../schema/kind.ts";
import { labelSelector, selects } from "../schema/label-selector.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import {
  circuitBreakerSchema,
  clusterSettings,
  proxyProtocolSchema,
  timeoutSchema,
} from "./cluster-settings.ts";
import { count } from "./fields.ts";
import { healthCheckSchema } from "./health-check.ts";
import { loadBalancerSchema, routeBalancing, UNSAID } from "./load-balancer.ts";
import { compileRetry, retrySchema } from "./retry.ts";

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

const quantity = z.union([z.string(), z.int()]);

const connection = z.strictObject({
  bufferLimit: quantity.optional(),
  socketBufferLimit: quantity.optional(),
  preconnect: z
    .strictObject({
      perEndpointPercent: z.int().min(100).max(300).optional(),
      predictivePercent: z.int().min(100).optional(),
    })
    .optional(),
});

const dns = z.strictObject({
  dnsRefreshRate: duration.optional(),
  respectDnsTtl: z.boolean().optional(),
  lookupFamily: z.enum(["IPv4", "IPv6", "IPv4Preferred", "IPv6Preferred", "IPv4AndIPv6"]).optional(),
});

const tcpKeepalive = z.strictObject({
  probes: count.optional(),
  idleTime: duration.optional(),
  interval: duration.optional(),
});

const spec = checked(
  z.strictObject({
    targetRef: targetRef.optional(),
    targetRefs: z.array(target).min(1).max(16).optional(),
    targetSelectors: z.array(selector).optional(),
    loadBalancer: loadBalancerSchema.optional(),
    mergeType: approximated(
      z.enum(["StrategicMerge", "JSONMerge"]),
      "what this policy says of a thing (its loadBalancer, its outlier detection, its retries) replaces what the Gateway's policy says of it as a whole",
      "say in this policy all there is to say of a thing, or nothing",
    ),
    healthCheck: healthCheckSchema.optional(),
    circuitBreaker: circuitBreakerSchema.optional(),
    timeout: timeoutSchema.optional(),
    retry: retrySchema.optional(),
    proxyProtocol: proxyProtocolSchema.optional(),
    adaptiveConcurrency: notHonoured("adaptive concurrency"),
    admissionControl: notHonoured("admission control"),
    bandwidthLimit: notHonoured("bandwidth limits"),
    compression: notHonoured("compression", list),
    compressor: notHonoured("compression", list),
    connection: notHonoured("buffers and connections in advance", connection),
    dns: notHonoured(
      "how names are resolved",
      dns,
      "remove the field: all addresses are used, each as long as its TTL",
    ),
    faultInjection: notHonoured("fault injection"),
    http2: notHonoured("HTTP/2 settings"),
    httpUpgrade: notHonoured("protocol upgrades", list, "remove the field: WebSocket is always served"),
    rateLimit: notHonoured("rate limits"),
    requestBuffer: notHonoured("buffering of requests"),
    responseOverride: notHonoured("other responses", list),
    routingType: notHonoured(
      "the routing type",
      z.string(),
      "remove the field: endpoints are always used directly",
    ),
    tcpKeepalive: notHonoured("TCP keep-alive", tcpKeepalive),
    telemetry: notHonoured("telemetry"),
    useClientProtocol: notHonoured("the protocol towards endpoints", z.boolean()),
  }),
  ({ targetRef, targetRefs, targetSelectors, mergeType }) => {
    const hasSelectors = targetSelectors !== undefined && targetSelectors.length > 0;
    const all = [targetRef, ...(targetRefs ?? []), ...(targetSelectors ?? [])];
    const wide = mergeType && all.find((one) => one !== undefined && !one.kind.endsWith("Route"))?.kind;
    if (wide !== undefined) return mergesAbove(wide);
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

function mergesAbove(kind: string) {
  return rule({
    path: ["mergeType"],
    message: `there is nothing above a ${kind} to merge with`,
    expected: "mergeType in policies at routes only",
    hint: "remove mergeType",
  });
}

export const BACKEND_TRAFFIC_POLICY = defineKind(
  { group: "gateway.envoyproxy.io", kind: "BackendTrafficPolicy", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof BACKEND_TRAFFIC_POLICY>;
type Policy = Reading<Value>;

export const BACKEND_TRAFFIC_POLICY_KIND: PolicyKind<Value> = {
  kind: BACKEND_TRAFFIC_POLICY,
  dependsOn: (objects) => [objects.all(BACKEND_TRAFFIC_POLICY), ...SELECTABLE.map((one) => objects.all(one))],
  attach: (policy, objects) => {
    const { result: targets, findings } = targetsOf(policy, objects);
    const said = effectsOf(policy);
    const hidden = policy.value.spec.mergeType === undefined ? hiding(policy, said, objects) : [];
    const result = targets.flatMap((placed) => {
      const effects = isWidest(placed.target) ? said : [...said, ...hidden];
      return effects.length === 0
        ? [attachIdle(policy, placed, "routeSettings")]
        : effects.map((effect) => attach(policy, placed, effect));
    });
    return { result, findings };
  },
};

function effectsOf({ object, value: { spec } }: Policy): Effect[] {
  const effects: Effect[] = [];
  if (spec.loadBalancer !== undefined) effects.push(routeBalancing(spec.loadBalancer));
  const settings = clusterSettings(spec);
  if (Object.keys(settings).length > 0) effects.push({ ...backendsOf(object), settings });
  const requestTimeout = spec.timeout?.http?.requestTimeout;
  if (requestTimeout !== undefined || spec.retry !== undefined) {
    effects.push({
      kind: "routeSettings",
      ...(requestTimeout === undefined ? {} : { timeouts: { requestMs: durationMs(requestTimeout) } }),
      ...(spec.retry === undefined ? {} : { retry: compileRetry(spec.retry) }),
    });
  }
  return spec.mergeType === undefined ? effects : effects.map(merging);
}

function backendsOf({ namespace, name }: ObjectRef): Extract<Effect, { kind: "routeBackends" }> {
  return { kind: "routeBackends", name: `${namespace}/${name}`, settings: {}, merges: false };
}

function merging(effect: Effect): Effect {
  return effect.kind === "routeBackends" ? { ...effect, merges: true } : effect;
}

function isWidest({ object, sectionName }: PolicyTarget): boolean {
  return object.kind === "Gateway" && sectionName === undefined;
}

/**
 * Envoy Gateway merges nothing unless told to: of what a policy at a route says nothing, the Gateway's policy does not
 * count either. Where no other policy says anything there is nothing to hide.
 */
function hiding(policy: Policy, said: readonly Effect[], objects: ObjectSet): Effect[] {
  const elsewhere = objects
    .all(BACKEND_TRAFFIC_POLICY)
    .filter((other) => other !== policy)
    .flatMap(effectsOf);
  const known = (kind: Effect["kind"], among: readonly Effect[]) => among.some((one) => one.kind === kind);
  const hidden: Effect[] = [];
  if (known("routeBalancing", elsewhere) && !known("routeBalancing", said)) hidden.push(UNSAID);
  if (known("routeBackends", elsewhere) && !known("routeBackends", said)) {
    hidden.push(backendsOf(policy.object));
  }
  if (known("routeSettings", elsewhere)) hidden.push(...attemptsUnsaid(said));
  return hidden;
}

const NO_RETRY: Retry = compileRetry(retrySchema.parse({ numRetries: 0 }));

function attemptsUnsaid(said: readonly Effect[]): Effect[] {
  const settings = said.find((one) => one.kind === "routeSettings");
  const unsaid: RouteSettings = {
    ...(settings?.timeouts === undefined ? { timeouts: { requestMs: 0 } } : {}),
    ...(settings?.retry === undefined ? { retry: NO_RETRY } : {}),
  };
  return Object.keys(unsaid).length === 0 ? [] : [{ kind: "routeSettings", ...unsaid }];
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

const SELECTABLE: readonly Kind<{ metadata: Metadata }>[] = [GATEWAY, LISTENER_SET, HTTP_ROUTE];

function candidates(kind: string, objects: ObjectSet): readonly Reading<{ metadata: Metadata }>[] {
  return SELECTABLE.filter((one) => one.kind === kind).flatMap((one) => objects.all(one));
}
