// Compiles one rule of an HTTPRoute: what it matches, what it does, which backends it leads to.
import {
  type Filter,
  type ObjectRef,
  objectText,
  type RouteMatch,
  type Rule,
  type RuleAction,
  type WeightedBackend,
} from "../../model/index.ts";
import type { ReferenceProblem, ResolvedBackend } from "../dialect.ts";
import { digest } from "../digest.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { PolicyTarget, RouteBackends, RouteSettings } from "../policies/attachment.ts";
import type { Effects } from "../policies/effects.ts";
import type { Override } from "../policies/precedence.ts";
import type { TranslateOptions } from "../translation.ts";
import { attemptsOf } from "./attempts.ts";
import type { BackendRefValue } from "./backend-ref.ts";
import { compileReferences } from "./compile-references.ts";
import { compileFilters } from "./filters.ts";
import { type ReferenceResolver, References } from "./follow-references.ts";
import type { HttpRouteReading, RuleValue } from "./http-route.ts";
import type { KeptName } from "./kept-names.ts";
import { backendFor, backendIdFor, backendsInForce, narrowestBackends } from "./route-backends.ts";
import { routeMatch, routeMatchSchema } from "./route-match.ts";
import { type InheritedAffinity, ruleAffinity } from "./rule-affinity.ts";
import { compileSession } from "./session-persistence.ts";

/** What listeners and Gateways give to the rules of the routes on them. */
export interface Inherited {
  readonly affinity: InheritedAffinity;
  readonly settings: RouteSettings | undefined;
  readonly backends: RouteBackends | undefined;
}

export interface CompiledRule {
  readonly name: string;
  /** It answers 500, because it asks for a filter that is not served. */
  readonly unserved: boolean;
  /**
   * The rule as it stands on listeners that give it this much. Undefined where no match could be read: it must not
   * answer for requests that it never asked for.
   */
  readonly on: ((inherited: Inherited) => RuleOnListeners) | undefined;
  /** What the rule leads to on such listeners. */
  backendsOn(inherited: Inherited): readonly ResolvedBackend[];
  readonly problems: readonly ReferenceProblem[];
  readonly findings: readonly FindingDraft[];
}

export interface RuleOnListeners {
  readonly rule: Rule;
  readonly overrides: readonly Override[];
  readonly names: readonly KeptName[];
}

/** A rule in error is compiled all the same, for what there is to tell about the rest of it. */
export function compileRule(
  reading: HttpRouteReading,
  index: number,
  resolver: ReferenceResolver,
  effects: Effects,
  options: TranslateOptions,
): CompiledRule {
  const value = reading.value.spec.rules[index] as RuleValue;
  const path: FieldPath = ["spec", "rules", index];
  const { object } = reading;
  const matches = readableMatches(reading, value, path).map(routeMatch);

  const scope = ruleScope(object, value.name, matches);
  const own = ownSession(reading, value, path, scope, options);
  const targets: PolicyTarget[] = [{ object }];
  if (value.name !== undefined) targets.unshift({ object, sectionName: value.name });
  const settings = effects.combine("routeSettings", targets);
  const ownBackends = narrowestBackends(effects, targets);

  const references = new References(reading, resolver, effects);
  const prefix = onlyPrefix(matches);
  const compiled = compileFilters(reading, value.filters, [...path, "filters"], prefix, references);
  const at = [...path, "backendRefs"];
  const backends = compileReferences(reading, value.backendRefs, at, prefix, references);
  const frame = { reading, effects, path, name: value.name, matches, scope, own: own?.session };
  const redirects = compiled.filters.some(({ kind }) => kind === "redirect");
  const empty = reading.inError || compiled.unserved || redirects ? undefined : emptiness(value.backendRefs);
  const refusal = reading.inError
    ? "the route is in error"
    : compiled.unserved
      ? "a filter of the rule is not served"
      : empty;
  const name = value.name ?? String(index);
  const on = (inherited: Inherited): RuleOnListeners => {
    const affinity = ruleAffinity(frame, backends.all, inherited.affinity);
    const { session, hashPolicies, splitByHash, overrides, names } = affinity;
    const rule: Rule = {
      name,
      matches,
      filters: refusal === undefined ? compiled.filters : [],
      action: action(refusal, affinity.backends, backendsInForce(ownBackends, inherited.backends)),
      ...(session === undefined ? {} : { session }),
      ...attemptsOf(value, { ...inherited.settings, ...settings }),
      hashPolicies,
      splitByHash,
    };
    return { rule, overrides, names };
  };
  return {
    name,
    unserved: compiled.unserved,
    backendsOn: (inherited) => {
      if (refusal !== undefined || matches.length === 0) return [];
      const policy = backendsInForce(ownBackends, inherited.backends);
      if (policy === undefined) return references.backends;
      const weighted = backends.all.map((one) => one.weighted);
      const forwarded = new Set(weighted.map(({ backend }) => backend));
      const mirrored = mirrorsOf([...compiled.filters, ...weighted.flatMap((one) => one.filters)]);
      return references.backends.flatMap((backend) => [
        ...(forwarded.has(backend.id) ? [backendFor(backend, policy)] : []),
        ...(mirrored.has(backend.id) ? [backend] : []),
      ]);
    },
    problems: references.problems,
    findings: [
      ...(own?.findings ?? []),
      ...compiled.findings,
      ...backends.findings,
      ...references.findings,
      ...(empty === undefined ? [] : [noBackends(reading, at, empty)]),
    ],
    on: matches.length === 0 ? undefined : on,
  };
}

/** Scopes and generated names come from the rule's name or its matches, so that inserting a rule ends no session. */
function ruleScope(object: ObjectRef, name: string | undefined, matches: readonly RouteMatch[]): string {
  const texts = matches.map((match) => JSON.stringify(match)).sort();
  return `${objectText(object)}/${name ?? digest(texts.join())}`;
}

function ownSession(
  reading: HttpRouteReading,
  value: RuleValue,
  rulePath: FieldPath,
  scope: string,
  options: TranslateOptions,
): ReturnType<typeof compileSession> | undefined {
  if (value.sessionPersistence === undefined) return undefined;
  const path = [...rulePath, "sessionPersistence"];
  const suffix = digest(scope).slice(0, 8);
  return compileSession(value.sessionPersistence, { reading, path, scope, suffix, place: "rule", options });
}

function action(
  refusal: string | undefined,
  references: readonly WeightedBackend[],
  policy: RouteBackends | undefined,
): RuleAction {
  if (refusal !== undefined) return { kind: "respond", status: 500, reason: refusal };
  if (policy === undefined) return { kind: "forward", backends: references };
  const backends = references.map((reference) => ({
    ...reference,
    ...(reference.backend === undefined ? {} : { backend: backendIdFor(reference.backend, policy) }),
  }));
  return { kind: "forward", backends };
}

/** Policies are for the requests that are answered: copies go to the backends as they are. */
function mirrorsOf(filters: readonly Filter[]): ReadonlySet<string> {
  return new Set(filters.flatMap((filter) => (filter.kind === "mirror" ? [filter.backend] : [])));
}

/** What edits of the path replace, if that is clear. */
function onlyPrefix([first, ...others]: readonly RouteMatch[]): string | undefined {
  return first?.path.type === "prefix" && others.length === 0 ? first.path.value : undefined;
}

function emptiness(refs: readonly BackendRefValue[]): string | undefined {
  if (refs.length === 0) return "the rule has no backendRefs";
  return refs.every(({ weight }) => weight === 0) ? "all backendRefs of the rule have weight 0" : undefined;
}

function noBackends(reading: HttpRouteReading, at: FieldPath, reason: string): FindingDraft {
  return draftFinding("no-backends", reading.object, reading.writtenPath(at), {
    message: `${reason}, so it answers 500`,
    expected: "at least one backendRef with a weight above 0",
    hint: "add backendRefs: [{name: my-service, port: 80}]",
  });
}

/** Matches in error are left out: without the condition that could not be read they would match more than was meant. */
function readableMatches(reading: HttpRouteReading, value: RuleValue, path: FieldPath): RuleValue["matches"] {
  const at = [...path, "matches"];
  if (value.matches.length > 0)
    return value.matches.filter((_, index) => !reading.hasErrorAt([...at, index]));
  return reading.hasErrorAt(at) ? [] : [routeMatchSchema.parse({})];
}
