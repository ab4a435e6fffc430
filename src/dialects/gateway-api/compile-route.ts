// Compiles an HTTPRoute: which listeners take it, what its rules do there, what its status says.
import {
  type Condition,
  type ObjectRef,
  type ObjectStatus,
  objectKey,
  objectText,
  type ParentStatus,
  type Route,
  type RouteAttachment,
} from "../../model/index.ts";
import type { ReferenceProblem, ResolvedBackend } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { Effects } from "../policies/effects.ts";
import { type CompiledRule, compileRule, type Inherited } from "./compile-rule.ts";
import type { ReferenceResolver } from "./follow-references.ts";
import type { HttpRouteReading } from "./http-route.ts";
import {
  type AttachedListener,
  attachToParent,
  missingParent,
  type ParentRefValue,
  type Parents,
  type ParentVerdict,
} from "./parent-ref.ts";
import { narrowestBackends } from "./route-backends.ts";

/** Everything beside the route itself that decides what becomes of it. Its identity says whether to compile again. */
export interface RouteContext extends ReferenceResolver {
  readonly parents: Parents;
  readonly effects: Effects;
  /** Every Gateway is served; else only those in `parents`, and others are somebody else's. */
  readonly everyGateway: boolean;
}

export interface CompiledRoute {
  readonly object: HttpRouteReading["object"];
  readonly creationTimestamp: string | undefined;
  /** One, unless policies on its listeners differ: then one for each set of policies. */
  readonly routes: readonly Route[];
  readonly backends: readonly ResolvedBackend[];
  /** Ids of the listeners that take it, for their count of attached routes. */
  readonly listeners: readonly string[];
  readonly status: ObjectStatus;
  readonly findings: readonly FindingDraft[];
}

export function compileRoute(reading: HttpRouteReading, context: RouteContext): CompiledRoute {
  const { object, value } = reading;
  const rules = [...value.spec.rules.keys()].map((index) =>
    compileRule(reading, index, context, context.effects),
  );
  const findings = rules.flatMap((rule) => rule.findings);
  findings.push(...collisions(reading, rules));

  const attached: AttachedListener[] = [];
  const parents: ParentStatus[] = [];
  const resolved = resolvedRefs(rules.flatMap((rule) => rule.problems));
  const at = ["spec", "hostnames"];
  const hostnames = value.spec.hostnames.filter((_, index) => !reading.hasErrorAt([...at, index]));
  // A route of which no hostname could be read must not take the requests of every host.
  const unreadable = hostnames.length === 0 && reading.hasErrorAt(at);
  for (const [index, parent] of value.spec.parentRefs.entries()) {
    const verdict = verdictOn(parent, reading.object, hostnames, context);
    if (verdict === undefined) continue;
    const { refusal } = verdict;
    if (!unreadable) attached.push(...verdict.attachments);
    if (refusal !== undefined) {
      const at = reading.writtenPath(["spec", "parentRefs", index]);
      findings.push(draftFinding("route-not-accepted", object, at, refusal));
    }
    const accepted: Condition = reading.inError
      ? condition("Accepted", false, "UnsupportedValue", "The route is in error; see the findings")
      : refusal === undefined
        ? condition("Accepted", true, "Accepted", "The route is attached")
        : condition("Accepted", false, refusal.reason, refusal.message);
    parents.push({ ...parentOf(parent, object.namespace), conditions: [accepted, resolved] });
  }
  if (value.spec.parentRefs.length === 0 && !reading.inError) {
    const message = "the route has no parentRefs, so no Gateway serves it";
    const hint = "add parentRefs: [{name: my-gateway}]";
    findings.push(
      draftFinding("route-not-accepted", object, ["spec"], { message, expected: "parentRefs", hint }),
    );
  }
  return {
    object,
    creationTimestamp: value.metadata.creationTimestamp,
    ...routesOn(reading, attached, rules, context.effects),
    listeners: [...new Set(attached.map(({ listener }) => listener))],
    status: { object, conditions: [], parents },
    findings,
  };
}

/** Undefined: a parent that is none of ours to judge. */
function verdictOn(
  parent: ParentRefValue,
  object: ObjectRef,
  hostnames: readonly string[],
  context: RouteContext,
): ParentVerdict | undefined {
  const { group, kind, name } = parent;
  const namespace = parent.namespace ?? object.namespace;
  const listeners = context.parents.listeners.get(objectKey({ group, kind, namespace, name }));
  if (listeners !== undefined)
    return attachToParent(parent, listeners, { object, hostnames }, context.parents);
  return context.everyGateway ? missingParent(parent, object.namespace) : undefined;
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
): Pick<CompiledRoute, "routes" | "backends"> {
  const groups: { inherited: Inherited; attachments: RouteAttachment[] }[] = [];
  for (const { to, listener, hostnames } of attached) {
    const targets = [{ object: to.gateway, sectionName: to.name }, { object: to.gateway }];
    const inherited: Inherited = {
      session: effects.find("session", targets),
      balancing: effects.find("routeBalancing", targets),
      settings: effects.combine("routeSettings", targets),
      backends: narrowestBackends(effects, targets),
    };
    let group = groups.find((one) => sameInheritance(one.inherited, inherited));
    if (group === undefined) {
      group = { inherited, attachments: [] };
      groups.push(group);
    }
    const known = group.attachments.findIndex((one) => one.listener === listener);
    if (known < 0) group.attachments.push({ listener, hostnames });
  }
  const id = objectText(reading.object);
  const routes = groups.map(({ inherited, attachments }, index) => ({
    id: index === 0 ? id : `${id}@${attachments[0]?.listener}`,
    object: reading.object,
    attachments,
    rules: rules.map((rule) => rule.on?.(inherited)).filter((rule) => rule !== undefined),
  }));
  const wanted = groups.length === 0 ? [NOTHING] : groups.map(({ inherited }) => inherited);
  const backends = wanted.flatMap((inherited) => rules.flatMap((rule) => rule.backendsOn(inherited)));
  return { routes, backends };
}

/** A route that is attached nowhere still tells what is wrong with its backends. */
const NOTHING: Inherited = {
  session: undefined,
  balancing: undefined,
  settings: undefined,
  backends: undefined,
};

function sameInheritance(a: Inherited, b: Inherited): boolean {
  return (
    a.session === b.session &&
    a.balancing === b.balancing &&
    a.settings === b.settings &&
    a.backends?.name === b.backends?.name
  );
}

/** Sessions of different scopes in one cookie or header: each would overwrite what the other one set. */
function collisions(reading: HttpRouteReading, rules: readonly CompiledRule[]): FindingDraft[] {
  const scopes = new Map<string, string>();
  const findings: FindingDraft[] = [];
  for (const { session, path } of rules.flatMap(({ sessions }) => sessions)) {
    const { kind, name } = session.carrier;
    const key = `${kind} ${name}`;
    const other = scopes.get(key);
    if (other === undefined) scopes.set(key, session.scope);
    if (other === undefined || other === session.scope) continue;
    findings.push(
      draftFinding("session-name-collision", reading.object, reading.writtenPath(path), {
        message: `another session of this route uses the ${kind} ${name} too, and each overwrites the other's token`,
        expected: "a name of its own for each session",
        hint: `write another name, for example ${name}-${scopes.size + 1}`,
      }),
    );
  }
  return findings;
}

function resolvedRefs(problems: readonly ReferenceProblem[]): Condition {
  const [first] = problems;
  return first === undefined
    ? condition("ResolvedRefs", true, "ResolvedRefs", "All references lead somewhere")
    : condition("ResolvedRefs", false, first.reason, first.message);
}

function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? "True" : "False", reason, message };
}

function parentOf({ group, kind, name, sectionName, port, ...rest }: ParentRefValue, namespace: string) {
  return {
    parent: { group, kind, namespace: rest.namespace ?? namespace, name },
    ...(sectionName === undefined ? {} : { sectionName }),
    ...(port === undefined ? {} : { port }),
  };
}
