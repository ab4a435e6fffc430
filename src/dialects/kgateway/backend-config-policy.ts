// BackendConfigPolicy of kgateway: attaches a balancer to Services.
import { z } from "zod";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind, Told } from "../dialect.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, type PlacedTarget } from "../policies/attach.ts";
import type { Effect } from "../policies/attachment.ts";
import { findTargets, noTarget, type TargetSelector } from "../policies/targets.ts";
import { checked, groupName, ignored, kindName, localTarget, rule } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { selects } from "../schema/label-selector.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";
import { loadBalancer, loadBalancerSchema } from "./load-balancer.ts";

export const KGATEWAY_GROUP = "gateway.kgateway.dev";

/** What the policy may target: `group/kind`. */
const TARGETS = ["/Service", `${KGATEWAY_GROUP}/Backend`, "networking.istio.io/Hostname"];

function isTarget({ group, kind }: { readonly group: string; readonly kind: string }) {
  if (TARGETS.includes(`${group}/${kind}`)) return undefined;
  return rule({
    path: ["kind"],
    message: `a BackendConfigPolicy cannot target ${kind} of group ${JSON.stringify(group)}`,
    expected: "a Service, a kgateway Backend or an Istio Hostname",
    hint: 'write group: "" and kind: Service',
  });
}

const selector = z.strictObject({
  group: groupName,
  kind: kindName,
  matchLabels: z.record(z.string(), z.string()).default({}),
});

function notHonoured(subject: string) {
  return ignored(z.looseObject({}), `${subject} of a backend cannot be set yet`, "remove the field");
}

const spec = checked(
  z.strictObject({
    targetRefs: z.array(checked(localTarget, isTarget)).min(1).max(16).default([]),
    targetSelectors: z.array(checked(selector, isTarget)).default([]),
    loadBalancer: loadBalancerSchema.optional(),
    connectTimeout: ignored(
      z.string(),
      "the connect timeout of a single backend cannot be set yet",
      "use the flag --upstream-connect-timeout",
    ),
    dns: notHonoured("name resolution"),
    perConnectionBufferLimitBytes: ignored(
      z.int().min(0),
      "buffers of a single backend cannot be set",
      "remove the field",
    ),
    tcpKeepalive: notHonoured("TCP keep-alive"),
    commonHttpProtocolOptions: notHonoured("HTTP options"),
    http1ProtocolOptions: notHonoured("HTTP/1 options"),
    http2ProtocolOptions: notHonoured("HTTP/2 options"),
    tls: notHonoured("TLS towards the endpoints"),
    healthCheck: notHonoured("active health checks"),
    outlierDetection: notHonoured("outlier detection"),
    circuitBreakers: notHonoured("circuit breakers"),
    upstreamProxyProtocol: notHonoured("the PROXY protocol"),
  }),
  (value) => {
    const { targetRefs, targetSelectors } = value;
    const hasTarget = targetRefs.length > 0 || targetSelectors.length > 0;
    return [
      hasTarget
        ? undefined
        : noTarget(["targetRefs", "targetSelectors"], '{group: "", kind: Service, name: my-app}'),
      atMostOneOf(value, ["http1ProtocolOptions", "http2ProtocolOptions"]),
    ].filter((problem) => problem !== undefined);
  },
);

export const BACKEND_CONFIG_POLICY = defineKind(
  { group: KGATEWAY_GROUP, kind: "BackendConfigPolicy", versions: ["v1alpha1"] },
  { spec },
);

type Value = ValueOf<typeof BACKEND_CONFIG_POLICY>;

export const BACKEND_CONFIG_POLICY_KIND: PolicyKind<Value> = {
  kind: BACKEND_CONFIG_POLICY,
  dependsOn: (objects) => [objects.all(SERVICE)],
  attach: (policy, objects) => {
    const { loadBalancer: balancer } = policy.value.spec;
    if (balancer === undefined) return { result: [], findings: [] };
    const panic = balancer.healthyPanicThreshold;
    const effect: Effect = {
      kind: "backendBalancing",
      loadBalancer: loadBalancer(balancer),
      ...(panic === undefined ? {} : { panicThresholdPercent: panic }),
    };
    const { result, findings } = targetsOf(policy, objects);
    return { result: result.map((target) => attach(policy, target, effect)), findings };
  },
};

/** In the policy's own namespace. */
function targetsOf(policy: Reading<Value>, objects: ObjectSet): Told<readonly PlacedTarget[]> {
  const { namespace } = policy.object;
  const { targetRefs, targetSelectors } = policy.value.spec;
  const named = targetRefs.map(({ group, kind, name }, index): PlacedTarget => {
    return { target: { object: { group, kind, namespace, name } }, path: ["spec", "targetRefs", index] };
  });
  const selectors = targetSelectors.map(({ group, kind, matchLabels }, index): TargetSelector => {
    const isService = group === SERVICE.group && kind === SERVICE.kind;
    return {
      kind,
      path: ["spec", "targetSelectors", index],
      candidates: isService ? objects.all(SERVICE) : [],
      selects: (labels) => selects({ matchLabels, matchExpressions: [] }, labels),
    };
  });
  return findTargets(policy, named, selectors);
}
