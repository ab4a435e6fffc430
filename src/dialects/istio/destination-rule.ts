// DestinationRule of Istio: how the endpoints of the Services that its host means are chosen, spoken to and watched.
import { z } from "zod";
import { type ObjectRef, objectText, type RetryBudget } from "../../model/index.ts";
import { SECRET } from "../core/secret.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind, Told } from "../dialect.ts";
import { RETRY_BUDGET_MINIMUM, RETRY_BUDGET_PERCENT } from "../envoy-defaults.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach } from "../policies/attach.ts";
import type { Attachment, BackendSettings, Effect, PolicyTarget } from "../policies/attachment.ts";
import { concurrentBudget, retryBudgetOverTime } from "../policies/retry-budget.ts";
import { UNREADABLE } from "../policies/upstream-tls.ts";
import { checked, ignored, portNumber, text } from "../schema/fields.ts";
import { goDuration, goDurationMs } from "../schema/go-duration.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { clientTlsSchema, compileClientTls } from "./client-tls.ts";
import { connectionPoolSchema, connectionSettings } from "./connection-pool.ts";
import { fullHost, hostOfService, isWildcard, wildcardTakes } from "./hosts.ts";
import { loadBalancer, loadBalancerSchema, slowStart } from "./load-balancer.ts";
import { outlierDetectionSchema, outlierSettings } from "./outlier-detection.ts";
import { SERVICE_ENTRY } from "./service-entry.ts";
import { objectOfHost, serviceEntryHosts } from "./service-hosts.ts";

const unread = z.looseObject({});

function notHonoured(subject: string) {
  return ignored(unread, `${subject} of a destination cannot be set yet`, "remove the field");
}

const settings = {
  loadBalancer: loadBalancerSchema.optional(),
  connectionPool: connectionPoolSchema.optional(),
  outlierDetection: outlierDetectionSchema.optional(),
  tls: clientTlsSchema.optional(),
};

const retryBudget = z.strictObject({
  percent: z.number().min(0).max(100).default(RETRY_BUDGET_PERCENT),
  minRetryConcurrency: z.int().min(0).default(0),
  budgetInterval: goDuration.default("0s"),
});

const trafficPolicy = z.strictObject({
  ...settings,
  portLevelSettings: z
    .array(z.strictObject({ port: z.strictObject({ number: portNumber }), ...settings }))
    .default([]),
  tunnel: notHonoured("tunnels"),
  proxyProtocol: z.strictObject({ version: z.enum(["V1", "V2"]).default("V1") }).optional(),
  retryBudget: concurrentBudget(retryBudget).optional(),
});

export const DESTINATION_RULE = defineKind(
  { group: "networking.istio.io", kind: "DestinationRule", versions: ["v1", "v1beta1", "v1alpha3"] },
  {
    spec: z.strictObject({
      host: text(
        /^\*$|^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/,
        "a host name, with *. in front or without, or *",
        "httpbin.default.svc.cluster.local",
        253,
      ),
      trafficPolicy: trafficPolicy.optional(),
      subsets: ignored(
        z.array(unread),
        "subsets are reached through a VirtualService, which Limpet does not read",
        "give each subset a Service of its own and name it in a backendRef",
      ),
      exportTo: checked(z.array(z.string()).default(["*"]), (namespaces) => {
        if (namespaces.length === 0 || namespaces.includes("*")) return undefined;
        return {
          code: "field-ignored",
          severity: "warning",
          message: "a gateway serves all namespaces, so the rule applies whatever exportTo says",
          expected: '["*"]',
          hint: "remove exportTo",
        };
      }),
      workloadSelector: ignored(
        unread,
        "the rule applies to every gateway, whatever workloadSelector says",
        "remove workloadSelector",
      ),
    }),
  },
);

type Value = ValueOf<typeof DESTINATION_RULE>;
type Rule = Reading<Value>;

export const DESTINATION_RULE_KIND: PolicyKind<Value> = {
  kind: DESTINATION_RULE,
  dependsOn: (objects) => [
    objects.all(SERVICE),
    objects.all(SERVICE_ENTRY),
    objects.all(DESTINATION_RULE),
    objects.all(SECRET),
  ],
  attach: (rule, objects, { controllerName }) => {
    const { trafficPolicy } = rule.value.spec;
    if (trafficPolicy === undefined) return { result: [], findings: [] };
    const host = fullHost(rule.value.spec.host.toLowerCase(), rule.object.namespace);
    const path = ["spec", "host"];
    const reach = controllerName === undefined ? undefined : rule.object.namespace;
    const services = targetsOf(host, rule.object.namespace, reach, objects);
    if (services.length === 0) {
      return { result: [], findings: [nobody(rule, host, reach, rule.writtenPath(path))] };
    }
    const findings: FindingDraft[] = [];
    const result = services.flatMap(({ object, host }, index) =>
      partsOf(trafficPolicy, object, objects).flatMap(({ ports, settings, at }) => {
        const effects = effectsOf(settings, host, rule, at, objects);
        // What there is to tell is the same for every Service that a wildcard takes.
        if (index === 0) findings.push(...effects.findings);
        return ports.flatMap((port) => {
          const target: PolicyTarget = port === undefined ? { object } : { object, port };
          return effects.result.map((effect): Attachment => attach(rule, { target, path }, effect));
        });
      }),
    );
    return { result, findings };
  },
};

type TrafficPolicy = z.output<typeof trafficPolicy>;

/** Settings with the ports that they are for; undefined: all ports. */
interface Part {
  readonly ports: readonly (number | undefined)[];
  readonly settings: Partial<TrafficPolicy>;
  readonly at: FieldPath;
}

/** Settings of a port replace those of the rule as a whole, so these are for the other ports, as far as they are known. */
function partsOf(policy: TrafficPolicy, object: ObjectRef, objects: ObjectSet): Part[] {
  const { portLevelSettings, ...whole } = policy;
  const at = ["spec", "trafficPolicy"];
  const own = portLevelSettings.map(({ port, ...settings }, index): Part => {
    const { proxyProtocol, retryBudget } = whole;
    const shared = { proxyProtocol, retryBudget };
    return {
      ports: [port.number],
      settings: { loadBalancer: {}, ...settings, ...shared },
      at: [...at, "portLevelSettings", index],
    };
  });
  const known = knownPorts(object, objects);
  if (own.length === 0 || known === undefined) return [{ ports: [undefined], settings: whole, at }, ...own];
  const taken = new Set(portLevelSettings.map(({ port }) => port.number));
  const ports = known.filter((port) => !taken.has(port));
  return [{ ports: [...new Set(ports)], settings: whole, at }, ...own];
}

function knownPorts({ kind, namespace, name }: ObjectRef, objects: ObjectSet): number[] | undefined {
  if (kind === SERVICE_ENTRY.kind) {
    return objects.get(SERVICE_ENTRY, namespace, name)?.value.spec.ports.map(({ number }) => number);
  }
  return objects.get(SERVICE, namespace, name)?.value.spec.ports.map(({ port }) => port);
}

function effectsOf(
  value: Part["settings"],
  host: string,
  rule: Rule,
  at: FieldPath,
  objects: ObjectSet,
): Told<readonly Effect[]> {
  const { connectionPool, outlierDetection, proxyProtocol, retryBudget } = value;
  const tlsAt = [...at, "tls"];
  const tls = rule.hasErrorAt(tlsAt)
    ? UNREADABLE
    : value.tls && compileClientTls(value.tls, host, rule, tlsAt, objects);
  const warmup = value.loadBalancer && slowStart(value.loadBalancer);
  const settings: BackendSettings = {
    ...(connectionPool === undefined ? {} : connectionSettings(connectionPool)),
    ...(outlierDetection === undefined ? {} : outlierSettings(outlierDetection)),
    ...(tls?.result === undefined ? {} : { tls: tls.result }),
    ...(warmup === undefined ? {} : { slowStart: warmup }),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol: proxyProtocol.version === "V1" ? "v1" : "v2" }),
    ...(retryBudget === undefined ? {} : { retryBudget: budgetOf(retryBudget) }),
  };
  const effects: Effect[] = [];
  if (value.loadBalancer !== undefined) {
    effects.push({ kind: "backendBalancing", loadBalancer: loadBalancer(value.loadBalancer) });
  }
  if (Object.keys(settings).length > 0) effects.push({ kind: "backendSettings", settings });
  return { result: effects, findings: tls?.findings ?? [] };
}

/** In Istio's protobuf 0 means that nothing was said. */
function budgetOf(value: z.output<typeof retryBudget>): RetryBudget {
  const minimum = value.minRetryConcurrency || RETRY_BUDGET_MINIMUM;
  const intervalMs = goDurationMs(value.budgetInterval);
  return retryBudgetOverTime(value.percent, minimum, intervalMs === 0 ? undefined : intervalMs);
}

/** What has a host, with the host. */
interface Hosted {
  readonly object: ObjectRef;
  readonly host: string;
}

/**
 * A Service that is not given stays in the list of an exact host, so that it is found missing like any target.
 *
 * @param from the namespace of the rule
 * @param reach of Services and of rivals; undefined: all namespaces, as in files, which have one author. In a cluster
 * whoever may write rules would else say what connections to the Services of others are like, or turn their TLS off
 */
function targetsOf(host: string, from: string, reach: string | undefined, objects: ObjectSet): Hosted[] {
  const isReached = ({ object }: { readonly object: ObjectRef }) =>
    reach === undefined || object.namespace === reach;
  if (!isWildcard(host)) {
    const object = objectOfHost(host, from, objects);
    return object === undefined ? [] : [{ object, host }].filter(isReached);
  }
  // Of several hosts that take a Service Istio goes by the most specific.
  const others = objects
    .all(DESTINATION_RULE)
    .filter(isReached)
    .map(({ object, value }) => fullHost(value.spec.host.toLowerCase(), object.namespace));
  const exact = new Set(others);
  const narrower = others.filter((other) => isWildcard(other) && other.length > host.length);
  const services = objects.all(SERVICE).map(({ object }) => ({ object, host: hostOfService(object) }));
  const entries = [...serviceEntryHosts(objects)].flatMap(([own, all]) => {
    const reached = all.filter((object) => isReached({ object })).slice(0, 1);
    return reached.map((object) => ({ object, host: own }));
  });
  const taken = [...services.filter(isReached), ...entries].filter(({ host: own }) => {
    const isTaken = exact.has(own) || narrower.some((other) => wildcardTakes(other, own));
    return wildcardTakes(host, own) && !isTaken;
  });
  // A ServiceEntry may have several hosts, and is one target all the same: its first host names it.
  return [...Map.groupBy(taken, ({ object }) => object).values()].flatMap(([first]) => first ?? []);
}

function nobody({ object }: Rule, host: string, reach: string | undefined, path: FieldPath): FindingDraft {
  const where = reach === undefined ? "" : ` of namespace ${reach}`;
  const elsewhere = reach === undefined ? "" : ", and move the rule into its namespace";
  return draftFinding("target-not-found", object, path, {
    message: `${objectText(object)} applies to no Service and no ServiceEntry${where}: none has the host ${host}`,
    expected: `the host of a Service${where}, such as httpbin.${reach ?? "default"}.svc.cluster.local`,
    hint: `write the name of the Service, or <name>.<namespace>.svc.cluster.local${elsewhere}`,
  });
}
