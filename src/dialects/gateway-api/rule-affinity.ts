// What keeps the clients of a rule on their endpoints: which session and which balancing govern each of its backendRefs.
import {
  type HashPolicy,
  objectText,
  type RouteMatch,
  type SessionPersistence,
  type WeightedBackend,
} from "../../model/index.ts";
import type { ResolvedBackend } from "../dialect.ts";
import { type FieldPath, pathText } from "../findings.ts";
import type { EffectOf, Effects } from "../policies/effects.ts";
import {
  inOrder,
  type ListenerPlace,
  type Override,
  overridesOf,
  type Voice,
  voicesAtBackend,
  voicesAtListener,
  voicesAtRoute,
} from "../policies/precedence.ts";
import { sessionAt } from "../policies/session-place.ts";
import type { CompiledReference } from "./compile-references.ts";
import type { HttpRouteReading } from "./http-route.ts";
import { hashCookies, type KeptName, keptSessions } from "./kept-names.ts";

/** What policies say at a listener, its ListenerSet and its Gateway, for the rules of the routes on it. */
export interface InheritedAffinity {
  readonly sessions: readonly Voice<EffectOf<"session">>[];
  readonly balancing: readonly Voice<EffectOf<"routeBalancing">>[];
}

export function inheritedAffinity(effects: Effects, listener: ListenerPlace): InheritedAffinity {
  return {
    sessions: voicesAtListener(effects, "session", listener),
    balancing: voicesAtListener(effects, "routeBalancing", listener),
  };
}

export function sameAffinity(a: InheritedAffinity, b: InheritedAffinity): boolean {
  return sameVoices(a.sessions, b.sessions) && sameVoices(a.balancing, b.balancing);
}

function sameVoices(a: readonly Voice<unknown>[], b: readonly Voice<unknown>[]): boolean {
  return a.length === b.length && a.every(({ value }, index) => value === b[index]?.value);
}

/** A rule, as far as it matters here. */
export interface AffinityFrame {
  readonly reading: HttpRouteReading;
  readonly effects: Effects;
  /** Path of the rule in the reading's value. */
  readonly path: FieldPath;
  readonly name: string | undefined;
  readonly matches: readonly RouteMatch[];
  /** Names the rule in scopes of tokens: never an index. */
  readonly scope: string;
  /** What the rule declares itself. */
  readonly own: SessionPersistence | undefined;
}

export interface RuleAffinity {
  readonly session: SessionPersistence | undefined;
  readonly hashPolicies: readonly HashPolicy[];
  readonly splitByHash: boolean;
  /** In the order of the references. */
  readonly backends: readonly WeightedBackend[];
  readonly overrides: readonly Override[];
  readonly names: readonly KeptName[];
}

/** The rule on listeners that give it this much. */
export function ruleAffinity(
  frame: AffinityFrame,
  references: readonly CompiledReference[],
  inherited: InheritedAffinity,
): RuleAffinity {
  const { reading, effects, path, name, own } = frame;
  const where = objectText(reading.object);
  const ownPath = reading.writtenPath([...path, "sessionPersistence"]);
  const sessions = inOrder([
    ...[...voicesAtRoute(effects, "session", reading.object, name), ...inherited.sessions].map((voice) =>
      atRule(voice, frame),
    ),
    ...(own === undefined
      ? []
      : [
          {
            value: own,
            standing: "the session of the rule itself" as const,
            by: reading.object,
            path: ownPath,
          },
        ]),
  ]);
  const balancing = inOrder([
    ...voicesAtRoute(effects, "routeBalancing", reading.object, name),
    ...inherited.balancing,
  ]);

  const governed = references.map((reference) => {
    const { resolved } = reference;
    if (resolved === undefined) return { reference, sessions: [], balancing: [] };
    return {
      reference,
      sessions: inOrder([...sessionsAt(resolved, effects), ...sessions]),
      balancing: inOrder<BalancingSaid>([...balancersAt(resolved, effects), ...balancing]),
    };
  });
  const told = toldApart(governed.map((one) => one.sessions));
  const ofRule = sessions[0]?.value;
  const splitByHash = balancing[0]?.value.splitByHash ?? false;
  const backends = governed.map(({ reference, ...voices }): WeightedBackend => {
    const session = voices.sessions[0]?.value;
    const balancer = voices.balancing[0]?.value;
    return {
      ...reference.weighted,
      ...(balancer?.kind === "routeBalancing" ? { loadBalancer: balancer.loadBalancer } : {}),
      ...(session === undefined || session === ofRule ? {} : { session: told(session) }),
    };
  });
  return {
    session: ofRule && told(ofRule),
    hashPolicies: balancing[0]?.value.hashPolicies ?? [],
    splitByHash,
    backends,
    overrides: governed.flatMap((one) => [
      ...overridesOf(one.sessions, where),
      ...overridesOf(one.balancing, where),
    ]),
    names: [
      ...keptSessions(reading, path, frame.matches, splitByHash, governed),
      ...governed.flatMap(({ reference, balancing: [winner] }) =>
        hashCookies(reading, reference, hashPoliciesOf(winner?.value, balancing[0]?.value)),
      ),
    ],
  };
}

/** The session of a policy above the rule, under a name of the rule's own where it has none. */
function atRule(voice: Voice<EffectOf<"session">>, { scope }: AffinityFrame): Voice<SessionPersistence> {
  const { session, unnamed } = voice.value;
  return { ...voice, value: unnamed === true ? sessionAt(session, scope) : session };
}

function sessionsAt(resolved: ResolvedBackend, effects: Effects): Voice<SessionPersistence>[] {
  const policies = voicesAtBackend(effects, "session", resolved).map((voice) => ({
    ...voice,
    value: voice.value.session,
  }));
  if (resolved.session === undefined) return policies;
  const path = ["spec", "sessionPersistence"];
  const standing = "the session of the XBackend itself";
  return [{ value: resolved.session, standing, by: resolved.object, path }, ...policies];
}

type BalancingSaid =
  | EffectOf<"routeBalancing">
  | EffectOf<"backendBalancing">
  | { readonly kind: "ownBalancer" };

const OWN_BALANCER = { kind: "ownBalancer" } as const;

function balancersAt(resolved: ResolvedBackend, effects: Effects): Voice<BalancingSaid>[] {
  const policies = voicesAtBackend(effects, "backendBalancing", resolved);
  if (resolved.balances !== true) return policies;
  const standing = "the balancer of the backend itself";
  return [...policies, { value: OWN_BALANCER, standing, by: resolved.object, path: ["spec"] }];
}

/** Each session with all that it overrides in this rule: one object for all references, by which they share it. */
function toldApart(
  governed: readonly (readonly Voice<SessionPersistence>[])[],
): (session: SessionPersistence) => SessionPersistence {
  if (governed.every(({ length }) => length < 2)) return (session) => session;
  const overrides = new Map<SessionPersistence, Set<string>>();
  for (const [winner, ...losers] of governed) {
    if (winner === undefined) continue;
    const known = overrides.get(winner.value) ?? new Set();
    overrides.set(winner.value, known);
    for (const { value, by, path } of losers) {
      if (by !== winner.by) known.add(value.origin?.declaredBy ?? `${objectText(by)} ${pathText(path)}`);
    }
  }
  const told = new Map(
    [...overrides].map(([session, texts]) => [
      session,
      texts.size === 0 || session.origin === undefined
        ? session
        : { ...session, origin: { ...session.origin, overrides: [...texts].sort() } },
    ]),
  );
  return (session) => told.get(session) ?? session;
}

/** What is hashed for a reference: policies of a backend's own balancer hold for all rules that lead there. */
function hashPoliciesOf(
  winner: BalancingSaid | undefined,
  ofRule: EffectOf<"routeBalancing"> | undefined,
): readonly HashPolicy[] {
  const balancer = winner?.kind === "backendBalancing" ? winner.loadBalancer : undefined;
  const own = balancer !== undefined && "hashPolicies" in balancer ? balancer.hashPolicies : undefined;
  return own ?? ofRule?.hashPolicies ?? [];
}
