// Compiles an HTTPRoute: which listeners take it, what its rules do there, what its status says.
import {
  type ObjectRef,
  type ObjectStatus,
  objectText,
  type Route,
  type RouteAttachment,
  type TlsRoute,
} from "../../model/index.ts";
import type { ResolvedBackend } from "../dialect.ts";
import type { FindingDraft } from "../findings.ts";
import type { Effects } from "../policies/effects.ts";
import { listenerTargets, type Override } from "../policies/precedence.ts";
import type { TranslateOptions } from "../translation.ts";
import { type CompiledRule, compileRule, type Inherited } from "./compile-rule.ts";
import type { ReferenceResolver } from "./follow-references.ts";
import type { HttpRouteReading } from "./http-route.ts";
import type { KeptName } from "./kept-names.ts";
import type { AttachedListener } from "./parent-ref.ts";
import { narrowestBackends } from "./route-backends.ts";
import { attachToParents, type ParentContext } from "./route-parents.ts";
import { inheritedAffinity, sameAffinity } from "./rule-affinity.ts";

/** Everything beside the route itself that decides what becomes of it. Its identity says whether to compile again. */
export interface RouteContext extends ReferenceResolver, ParentContext {
  readonly effects: Effects;
  readonly options: TranslateOptions;
}

/** A route of any kind. */
export interface CompiledRoute {
  readonly object: ObjectRef;
  readonly creationTimestamp: string | undefined;
  /** One, unless policies on its listeners differ: then one for each set of policies. */
  readonly routes: readonly Route[];
  /** Of a TLSRoute. */
  readonly tlsRoutes: readonly TlsRoute[];
  readonly backends: readonly ResolvedBackend[];
  /** Ids of the listeners that take it, for their count of attached routes. */
  readonly listeners: readonly string[];
  /** Those of the listeners. */
  readonly gateways: readonly ObjectRef[];
  readonly status: ObjectStatus;
  readonly overrides: readonly Override[];
  /** What its clients are kept by, and for which hosts. */
  readonly names: readonly NameAtHosts[];
  readonly findings: readonly FindingDraft[];
}

export interface NameAtHosts extends KeptName {
  readonly route: ObjectRef;
  /** Exact, `*.`-wildcards, or `*`. */
  readonly hosts: readonly string[];
}

export function compileRoute(reading: HttpRouteReading, context: RouteContext): CompiledRoute {
  const { object, value } = reading;
  const rules = [...value.spec.rules.keys()].map((index) =>
    compileRule(reading, index, context, context.effects, context.options),
  );
  const findings = rules.flatMap((rule) => rule.findings);
  const problems = rules.flatMap((rule) => rule.problems);
  const unserved = rules.filter((rule) => rule.unserved).map(({ name }) => name);
  const flaws = { problems, unserved, rules: rules.length };
  const { attached, status, listeners, gateways, ...told } = attachToParents(reading, flaws, context);
  findings.push(...told.findings);
  return {
    object,
    creationTimestamp: value.metadata.creationTimestamp,
    ...routesOn(reading, attached, rules, context.effects),
    tlsRoutes: [],
    listeners,
    gateways,
    status,
    findings,
  };
}

/**
 * A listener's policies reach the rules of the routes on it. Listeners that give the same share one route; only where
 * they differ does the route appear once for each, under ids of their own.
 */
function routesOn(
  reading: HttpRouteReading,
  attached: readonly AttachedListener[],
  rules: readonly CompiledRule[],
  effects: Effects,
): Pick<CompiledRoute, "routes" | "backends" | "overrides" | "names"> {
  const groups: { inherited: Inherited; attachments: RouteAttachment[]; hosts: Set<string> }[] = [];
  for (const { to, listener, hostnames, served } of attached) {
    const targets = listenerTargets(to);
    const inherited: Inherited = {
      affinity: inheritedAffinity(effects, to),
      settings: effects.combine("routeSettings", targets),
      backends: narrowestBackends(effects, targets),
    };
    let group = groups.find((one) => sameInheritance(one.inherited, inherited));
    if (group === undefined) {
      group = { inherited, attachments: [], hosts: new Set() };
      groups.push(group);
    }
    const known = group.attachments.findIndex((one) => one.listener === listener);
    if (known >= 0) continue;
    group.attachments.push({ listener, hostnames });
    for (const host of served) group.hosts.add(host);
  }
  const id = objectText(reading.object);
  const routes: Route[] = [];
  const overrides: Override[] = [];
  const names: NameAtHosts[] = [];
  for (const [index, { inherited, attachments, hosts }] of groups.entries()) {
    const there = rules.map((rule) => rule.on?.(inherited)).filter((rule) => rule !== undefined);
    routes.push({
      id: index === 0 ? id : `${id}@${attachments[0]?.listener}`,
      object: reading.object,
      attachments,
      rules: there.map(({ rule }) => rule),
    });
    overrides.push(...there.flatMap((one) => one.overrides));
    const at = { route: reading.object, hosts: [...hosts] };
    names.push(...there.flatMap((one) => one.names.map((name) => ({ ...name, ...at }))));
  }
  const wanted = groups.length === 0 ? [NOTHING] : groups.map(({ inherited }) => inherited);
  const backends = wanted.flatMap((inherited) => rules.flatMap((rule) => rule.backendsOn(inherited)));
  return { routes, backends, overrides, names };
}

/** A route that is attached nowhere still tells what is wrong with its backends. */
const NOTHING: Inherited = {
  affinity: { sessions: [], balancing: [] },
  settings: undefined,
  backends: undefined,
};

function sameInheritance(a: Inherited, b: Inherited): boolean {
  return (
    sameAffinity(a.affinity, b.affinity) && a.settings === b.settings && a.backends?.name === b.backends?.name
  );
}
