// DestinationRule of Istio: how the endpoints of the Services that its host means are chosen.
import { z } from "zod";
import { type ObjectRef, objectText } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { PolicyKind } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { ObjectSet } from "../object-set.ts";
import { attach } from "../policies/attach.ts";
import type { Attachment, Effect, PolicyTarget } from "../policies/attachment.ts";
import { checked, ignored, portNumber, text } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { fullHost, hostOfService, isWildcard, serviceOfHost, wildcardTakes } from "./hosts.ts";
import { type LoadBalancerValue, loadBalancer, loadBalancerSchema } from "./load-balancer.ts";

const unread = z.looseObject({});

function notHonoured(subject: string) {
  return ignored(unread, `${subject} of a destination cannot be set yet`, "remove the field");
}

const settings = {
  loadBalancer: loadBalancerSchema.optional(),
  connectionPool: notHonoured("connection pools"),
  outlierDetection: notHonoured("outlier detection"),
  tls: notHonoured("TLS towards the endpoints"),
};

const trafficPolicy = z.strictObject({
  ...settings,
  portLevelSettings: z
    .array(z.strictObject({ port: z.strictObject({ number: portNumber }), ...settings }))
    .default([]),
  tunnel: notHonoured("tunnels"),
  proxyProtocol: notHonoured("the PROXY protocol"),
  retryBudget: notHonoured("retry budgets"),
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
  dependsOn: (objects) => [objects.all(SERVICE), objects.all(DESTINATION_RULE)],
  attach: (rule, objects) => {
    const effects = effectsOf(rule.value);
    if (effects.length === 0) return { result: [], findings: [] };
    const host = fullHost(rule.value.spec.host.toLowerCase(), rule.object.namespace);
    const path = ["spec", "host"];
    const services = servicesOf(host, objects);
    if (services.length === 0) return { result: [], findings: [nobody(rule, host, rule.writtenPath(path))] };
    const result = services.flatMap((object) =>
      effects.map(({ port, effect }): Attachment => {
        const target: PolicyTarget = port === undefined ? { object } : { object, port };
        return attach(rule, { target, path }, effect);
      }),
    );
    return { result, findings: [] };
  },
};

interface PortEffect {
  /** Undefined: all ports that have none of their own. */
  readonly port: number | undefined;
  readonly effect: Effect;
}

/** Settings of a port replace those of the rule as a whole: a port without a balancer has Istio's default. */
function effectsOf({ spec }: Value): PortEffect[] {
  const { trafficPolicy } = spec;
  if (trafficPolicy === undefined) return [];
  const ports = trafficPolicy.portLevelSettings.map((settings): PortEffect => {
    return { port: settings.port.number, effect: balancing(settings.loadBalancer ?? {}) };
  });
  if (trafficPolicy.loadBalancer === undefined) return ports;
  return [{ port: undefined, effect: balancing(trafficPolicy.loadBalancer) }, ...ports];
}

function balancing(value: LoadBalancerValue | Record<string, never>): Effect {
  return { kind: "backendBalancing", loadBalancer: loadBalancer(value) };
}

/** A Service that is not given stays in the list of an exact host, so that it is found missing like any target. */
function servicesOf(host: string, objects: ObjectSet): ObjectRef[] {
  if (!isWildcard(host)) {
    const named = serviceOfHost(host);
    return named === undefined ? [] : [{ group: SERVICE.group, kind: SERVICE.kind, ...named }];
  }
  // Of several hosts that take a Service Istio goes by the most specific.
  const others = objects
    .all(DESTINATION_RULE)
    .map(({ object, value }) => fullHost(value.spec.host.toLowerCase(), object.namespace));
  const exact = new Set(others);
  const narrower = others.filter((other) => isWildcard(other) && other.length > host.length);
  return objects
    .all(SERVICE)
    .map(({ object }) => object)
    .filter((object) => {
      const own = hostOfService(object);
      const isTaken = exact.has(own) || narrower.some((other) => wildcardTakes(other, own));
      return wildcardTakes(host, own) && !isTaken;
    });
}

function nobody({ object }: Rule, host: string, path: FieldPath): FindingDraft {
  return draftFinding("target-not-found", object, path, {
    message: `${objectText(object)} applies to no Service: none has the host ${host}`,
    expected: "the host of a Service, such as httpbin.default.svc.cluster.local",
    hint: "write the name of the Service, or <name>.<namespace>.svc.cluster.local",
  });
}
