// Compiles one rule of an HTTPRoute: what it matches, what it does, which backends it leads to.
import type { Rule, RuleAction, SessionPersistence, WeightedBackend } from "../../model/index.ts";
import { objectText } from "../../model/index.ts";
import { isProblem, type ReferenceProblem, type ResolvedBackend } from "../dialect.ts";
import { digest } from "../digest.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { PolicyTarget } from "../policies/attachment.ts";
import type { EffectOf, Effects } from "../policies/effects.ts";
import { type BackendRefValue, type ReferenceResolver, referenceOf } from "./backend-ref.ts";
import { compileFilters, type FiltersValue, unservedFilter } from "./filters.ts";
import type { HttpRouteReading, RuleValue } from "./http-route.ts";
import { routeMatch, routeMatchSchema } from "./route-match.ts";
import { compileSession } from "./session-persistence.ts";

/** What listeners and Gateways give to the rules of the routes on them. */
export interface Inherited {
  readonly session: EffectOf<"session"> | undefined;
  readonly balancing: EffectOf<"routeBalancing"> | undefined;
}

export interface CompiledRule {
  /** The rule as it stands on listeners that give it this much. */
  on(inherited: Inherited): Rule;
  readonly backends: readonly ResolvedBackend[];
  readonly problems: readonly ReferenceProblem[];
  readonly findings: readonly FindingDraft[];
  /** All that can govern a request of the rule, with the path of what brings it. */
  readonly sessions: readonly { readonly session: SessionPersistence; readonly path: FieldPath }[];
}

export function compileRule(
  reading: HttpRouteReading,
  index: number,
  resolver: ReferenceResolver,
  effects: Effects,
): CompiledRule | undefined {
  const value = reading.value.spec.rules[index] as RuleValue;
  const path: FieldPath = ["spec", "rules", index];
  const { object } = reading;
  const findings: FindingDraft[] = [];
  const matches = readableMatches(reading, value, path).map(routeMatch);
  // A rule of which no match could be read must not answer for requests that it never asked for.
  if (matches.length === 0) return undefined;
  const part =
    value.name ??
    digest(
      matches
        .map((match) => JSON.stringify(match))
        .sort()
        .join(),
    );

  const sessions: { session: SessionPersistence; path: FieldPath }[] = [];
  let session: SessionPersistence | undefined;
  if (value.sessionPersistence !== undefined) {
    const compiled = compileSession(value.sessionPersistence, {
      reading,
      path: [...path, "sessionPersistence"],
      scope: `${objectText(object)}/${part}`,
      suffix: digest(`${objectText(object)}/${part}`).slice(0, 8),
      place: "rule",
    });
    session = compiled.session;
    sessions.push({ session, path: [...path, "sessionPersistence"] });
    findings.push(...compiled.findings);
  }

  const targets: PolicyTarget[] = [
    ...(value.name === undefined ? [] : [{ object, sectionName: value.name }]),
    { object },
  ];
  const ownSession = session ?? effects.find("session", targets)?.session;
  const ownBalancing = effects.find("routeBalancing", targets);

  const tellFilters = (filters: FiltersValue, at: FieldPath, unserved: readonly number[]) => {
    for (const unservedIndex of unserved) {
      const text = unservedFilter(filters, unservedIndex);
      findings.push(
        draftFinding("filter-not-served", object, reading.writtenPath([...at, ...text.path]), text),
      );
    }
  };
  const filters = compileFilters(value.filters);
  tellFilters(value.filters, path, filters.unserved);

  const backends: ResolvedBackend[] = [];
  const problems: ReferenceProblem[] = [];
  const references = value.backendRefs.map((ref, refIndex): WeightedBackend => {
    const at = [...path, "backendRefs", refIndex];
    const refFilters = compileFilters(ref.filters);
    tellFilters(ref.filters, at, refFilters.unserved);
    const shared = { weight: ref.weight, filters: refFilters.filters };
    const resolved = resolver.resolve(object, referenceOf(ref, object.namespace));
    if (isProblem(resolved)) {
      problems.push(resolved);
      // What is in error has its findings already.
      if (reading.hasErrorAt(at)) return shared;
      const field = resolved.field === undefined ? [] : [resolved.field];
      findings.push(
        draftFinding("invalid-reference", object, reading.writtenPath([...at, ...field]), resolved),
      );
      return shared;
    }
    backends.push(resolved);
    if (refFilters.unserved.length > 0) return shared;
    const backendSession =
      resolved.session ?? (ownSession === undefined ? policySession(resolved, effects) : undefined);
    if (backendSession !== undefined) sessions.push({ session: backendSession, path: at });
    return {
      ...shared,
      backend: resolved.id,
      ...(backendSession === undefined ? {} : { session: backendSession }),
    };
  });

  const refusal = reading.inError
    ? "the route is in error"
    : filters.unserved.length > 0
      ? "a filter of the rule is not served"
      : emptiness(value.backendRefs);
  if (refusal !== undefined && !reading.inError && filters.unserved.length === 0) {
    const at = reading.writtenPath([...path, "backendRefs"]);
    const expected = "at least one backendRef with a weight above 0";
    const hint = "add backendRefs: [{name: my-service, port: 80}]";
    findings.push(
      draftFinding("no-backends", object, at, { message: `${refusal}, so it answers 500`, expected, hint }),
    );
  }
  return {
    backends,
    problems,
    findings,
    sessions,
    on: (inherited) => {
      const balancing = ownBalancing ?? inherited.balancing;
      const ruleSession = ownSession ?? inherited.session?.session;
      return {
        name: value.name ?? String(index),
        matches,
        filters: filters.filters,
        action: action(refusal, references, balancing),
        ...(ruleSession === undefined ? {} : { session: ruleSession }),
        hashPolicies: balancing?.hashPolicies ?? [],
        splitByHash: balancing?.splitByHash ?? false,
      };
    },
  };
}

function action(
  refusal: string | undefined,
  references: readonly WeightedBackend[],
  balancing: EffectOf<"routeBalancing"> | undefined,
): RuleAction {
  if (refusal !== undefined) return { kind: "respond", status: 500, reason: refusal };
  if (balancing === undefined) return { kind: "forward", backends: references };
  const { loadBalancer } = balancing;
  return { kind: "forward", backends: references.map((reference) => ({ ...reference, loadBalancer })) };
}

function emptiness(refs: readonly BackendRefValue[]): string | undefined {
  if (refs.length === 0) return "the rule has no backendRefs";
  return refs.every(({ weight }) => weight === 0) ? "all backendRefs of the rule have weight 0" : undefined;
}

/** Matches in error are left out: without the condition that could not be read they would match more than was meant. */
function readableMatches(reading: HttpRouteReading, value: RuleValue, path: FieldPath): RuleValue["matches"] {
  const at = [...path, "matches"];
  if (value.matches.length > 0)
    return value.matches.filter((_, index) => !reading.hasErrorAt([...at, index]));
  return reading.hasErrorAt(at) ? [] : [routeMatchSchema.parse({})];
}

function policySession(resolved: ResolvedBackend, effects: Effects): SessionPersistence | undefined {
  const { object, port } = resolved;
  const targets = [...(port === undefined ? [] : [{ object, port }]), { object }];
  return effects.find("session", targets)?.session;
}
