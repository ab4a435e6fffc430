// BackendConfigPolicy of kgateway: balancing, health, limits, timeouts and TLS of Services and Backends.
import { z } from "zod";
import type { BackendLimits, ObjectRef, RetryBudget } from "../../model/index.ts";
import { SECRET } from "../core/secret.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind, Told } from "../dialect.ts";
import {
  CIRCUIT_BREAKER_LIMIT,
  CIRCUIT_BREAKER_RETRIES,
  RETRY_BUDGET_MINIMUM,
  RETRY_BUDGET_PERCENT,
} from "../envoy-defaults.ts";
import { idleTimeout, positive } from "../envoy-fields.ts";
import { HOSTNAME } from "../istio/service-hosts.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach, attachIdle, type PlacedTarget } from "../policies/attach.ts";
import type { BackendSettings, Effect } from "../policies/attachment.ts";
import { concurrentBudget, retryBudgetOverTime } from "../policies/retry-budget.ts";
import { findTargets, noTarget, type TargetSelector } from "../policies/targets.ts";
import { UNREADABLE } from "../policies/upstream-tls.ts";
import {
  checked,
  duration,
  durationMs,
  groupName,
  ignored,
  kindName,
  localTarget,
  rule,
} from "../schema/fields.ts";
import { defineKind, type Kind, type ValueOf } from "../schema/kind.ts";
import { selects } from "../schema/label-selector.ts";
import type { Metadata } from "../schema/metadata.ts";
import { atMostOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";
import { KGATEWAY_BACKEND } from "./backend.ts";
import { healthCheck, healthCheckSchema, outlierDetectionSchema, outlierSettings } from "./health-check.ts";
import { loadBalancer, loadBalancerSchema, slowStart } from "./load-balancer.ts";
import { KGATEWAY_GROUP } from "./names.ts";
import { compileTls, tlsSchema } from "./tls.ts";

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

function notHonoured(subject: string, schema: z.ZodType = z.looseObject({})) {
  return ignored(schema, `${subject} cannot be set for a single backend`, "remove the field");
}

const dns = z.strictObject({
  refreshRate: duration.optional(),
  jitter: duration.optional(),
  respectTTL: z.boolean().optional(),
});

const tcpKeepalive = z.strictObject({
  keepAliveProbes: z.int().min(0).optional(),
  keepAliveTime: duration.optional(),
  keepAliveInterval: duration.optional(),
});

const http1 = z.strictObject({
  enableTrailers: z.boolean().optional(),
  preserveHttp1HeaderCase: z.boolean().optional(),
  overrideStreamErrorOnInvalidHttpMessage: z.boolean().optional(),
});

const commonHttp = z.strictObject({
  idleTimeout: idleTimeout(duration, durationMs),
  maxConnectionDuration: ignored(
    duration,
    "connections to endpoints are not closed because of their age",
    "remove maxConnectionDuration, or use maxRequestsPerConnection",
  ),
  maxHeadersCount: ignored(
    z.int().min(0),
    "the number of header fields is limited for all backends alike",
    "use the flag --max-headers",
  ),
  maxStreamDuration: ignored(
    duration,
    "a request's timeout belongs to its rule",
    "use timeouts.request of the HTTPRoute's rule",
  ),
  maxRequestsPerConnection: z.int().min(0).default(0),
});

const BREAKERS = [
  "maxConnections",
  "maxPendingRequests",
  "maxRequests",
  "maxRetries",
  "retryBudget",
] as const;

const circuitBreakers = checked(
  z.strictObject({
    maxConnections: z.int().min(1).optional(),
    maxPendingRequests: z.int().min(1).optional(),
    maxRequests: z.int().min(1).optional(),
    maxRetries: z.int().min(0).optional(),
    retryBudget: concurrentBudget(
      z.strictObject({
        budgetPercent: z.int().min(0).max(100).default(RETRY_BUDGET_PERCENT),
        budgetInterval: duration.optional(),
        minRetryConcurrency: z.int().min(0).default(RETRY_BUDGET_MINIMUM),
      }),
    ).optional(),
    trackRemaining: ignored(
      z.boolean(),
      "what is left of the limits is not counted",
      "remove trackRemaining",
    ),
  }),
  (value) => {
    if (BREAKERS.some((name) => value[name] !== undefined)) return undefined;
    return rule({
      absent: BREAKERS,
      message: "there is no limit",
      expected: `one of ${BREAKERS.join(", ")}`,
      hint: "add maxConnections: 1024",
    });
  },
);

const spec = checked(
  z.strictObject({
    targetRefs: z.array(checked(localTarget, isTarget)).min(1).max(16).default([]),
    targetSelectors: z.array(checked(selector, isTarget)).default([]),
    loadBalancer: loadBalancerSchema.optional(),
    connectTimeout: positive(duration, durationMs).optional(),
    dns: notHonoured("how names are resolved", dns),
    perConnectionBufferLimitBytes: ignored(
      z.int().min(0),
      "buffers of a single backend cannot be set",
      "remove the field",
    ),
    tcpKeepalive: notHonoured("TCP keep-alive", tcpKeepalive),
    commonHttpProtocolOptions: commonHttp.optional(),
    http1ProtocolOptions: notHonoured("how HTTP/1.1 is spoken", http1),
    http2ProtocolOptions: notHonoured("how HTTP/2 is spoken"),
    tls: tlsSchema.optional(),
    healthCheck: healthCheckSchema.optional(),
    outlierDetection: outlierDetectionSchema.optional(),
    circuitBreakers: circuitBreakers.optional(),
    upstreamProxyProtocol: z.strictObject({ version: z.enum(["V1", "V2"]).default("V1") }).optional(),
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
  dependsOn: (objects) => [
    ...SELECTABLE.map((kind) => objects.all(kind)),
    objects.all(SECRET),
    ...HOSTNAME.dependsOn(objects),
  ],
  attach: (policy, objects, options) => {
    const { result: effects, findings } = effectsOf(policy, objects);
    const targets = targetsOf(policy, objects, options);
    return {
      result: targets.result.flatMap((target) =>
        effects.length === 0
          ? [attachIdle(policy, target, "backendSettings")]
          : effects.map((effect) => attach(policy, target, effect)),
      ),
      findings: [...findings, ...targets.findings],
    };
  },
};

function effectsOf(policy: Reading<Value>, objects: ObjectSet): Told<readonly Effect[]> {
  const { spec } = policy.value;
  const effects: Effect[] = [];
  if (spec.loadBalancer !== undefined) {
    const panic = spec.loadBalancer.healthyPanicThreshold;
    effects.push({
      kind: "backendBalancing",
      loadBalancer: loadBalancer(spec.loadBalancer),
      ...(panic === undefined ? {} : { panicThresholdPercent: panic }),
    });
  }
  const tls = policy.hasErrorAt(["spec", "tls"])
    ? UNREADABLE
    : spec.tls && compileTls(spec.tls, policy, objects);
  const settings = { ...settingsOf(spec), ...(tls === undefined ? {} : { tls: tls.result }) };
  if (Object.keys(settings).length > 0) effects.push({ kind: "backendSettings", settings });
  return { result: effects, findings: tls?.findings ?? [] };
}

function settingsOf(value: Value["spec"]): BackendSettings {
  const { connectTimeout, healthCheck: check, outlierDetection, upstreamProxyProtocol } = value;
  const idleMs = durationMs(value.commonHttpProtocolOptions?.idleTimeout ?? "0s");
  const active = check && healthCheck(check);
  const warmup = value.loadBalancer && slowStart(value.loadBalancer);
  const limits = limitsOf(value);
  const budget = value.circuitBreakers?.retryBudget;
  return {
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: durationMs(connectTimeout) }),
    ...(idleMs === 0 ? {} : { idleTimeoutMs: idleMs }),
    ...(active === undefined ? {} : { healthChecks: [active] }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: outlierSettings(outlierDetection) }),
    ...(limits === undefined ? {} : { limits }),
    ...(budget === undefined ? {} : { retryBudget: budgetOf(budget) }),
    ...(upstreamProxyProtocol === undefined
      ? {}
      : { proxyProtocol: upstreamProxyProtocol.version === "V1" ? "v1" : "v2" }),
    ...(warmup === undefined ? {} : { slowStart: warmup }),
  };
}

function budgetOf(value: {
  budgetPercent: number;
  budgetInterval?: string | undefined;
  minRetryConcurrency: number;
}): RetryBudget {
  const intervalMs = durationMs(value.budgetInterval ?? "0s");
  const over = intervalMs === 0 ? undefined : intervalMs;
  return retryBudgetOverTime(value.budgetPercent, value.minRetryConcurrency, over);
}

/** Where the breakers are written Envoy's defaults hold for those that are not; a budget takes the place of one. */
function limitsOf({ circuitBreakers, commonHttpProtocolOptions }: Value["spec"]): BackendLimits | undefined {
  const uses = commonHttpProtocolOptions?.maxRequestsPerConnection ?? 0;
  if (circuitBreakers === undefined && uses === 0) return undefined;
  return {
    ...(circuitBreakers === undefined ? {} : breakers(circuitBreakers)),
    ...(uses === 0 ? {} : { maxRequestsPerConnection: uses }),
  };
}

function breakers({
  maxConnections = CIRCUIT_BREAKER_LIMIT,
  maxPendingRequests = CIRCUIT_BREAKER_LIMIT,
  maxRequests = CIRCUIT_BREAKER_LIMIT,
  maxRetries = CIRCUIT_BREAKER_RETRIES,
  retryBudget,
}: NonNullable<Value["spec"]["circuitBreakers"]>): BackendLimits {
  const limits = { maxConnections, maxPendingRequests, maxRequests };
  return retryBudget === undefined ? { ...limits, maxRetries } : limits;
}

/** In the policy's own namespace. */
function targetsOf(
  policy: Reading<Value>,
  objects: ObjectSet,
  { controllerName }: TranslateOptions,
): Told<readonly PlacedTarget[]> {
  const { namespace } = policy.object;
  const { targetRefs, targetSelectors } = policy.value.spec;
  const named = targetRefs.map(({ group, kind, name }, index): PlacedTarget => {
    const named = { group, kind, namespace, name };
    const meant =
      kind === HOSTNAME.kind && group === HOSTNAME.group ? HOSTNAME.follow(named, objects) : named;
    // A host can name what is elsewhere: in files that is the author's own, in a cluster it is somebody else's.
    const isReached = controllerName === undefined || meant?.namespace === namespace;
    const object = objectOnly((isReached ? meant : undefined) ?? named);
    return { target: { object }, path: ["spec", "targetRefs", index] };
  });
  const selectors = targetSelectors.map(({ group, kind, matchLabels }, index): TargetSelector => {
    return {
      kind,
      path: ["spec", "targetSelectors", index],
      candidates: SELECTABLE.filter((one) => one.group === group && one.kind === kind).flatMap((one) =>
        objects.all(one),
      ),
      selects: (labels) => selects({ matchLabels, matchExpressions: [] }, labels),
    };
  });
  return findTargets(policy, named, selectors);
}

function objectOnly({ group, kind, namespace, name }: ObjectRef): ObjectRef {
  return { group, kind, namespace, name };
}

const SELECTABLE: readonly Kind<{ metadata: Metadata }>[] = [SERVICE, KGATEWAY_BACKEND];
