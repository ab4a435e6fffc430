// The one order in which objects are asked for a session or a balancer: the first that says something has the say.
import { type ObjectRef, objectText } from "../../model/index.ts";
import type { FieldPath, FindingText } from "../findings.ts";
import type { PolicyTarget } from "./attachment.ts";
import type { Contested, EffectOf, Effects } from "./effects.ts";

/** For each backendRef of a rule; docs/affinity-policy.md shows this list. */
export const STANDINGS = [
  "an AffinityPolicy at the rule",
  "an AffinityPolicy at the route",
  "an AffinityPolicy at the backend's port",
  "an AffinityPolicy at the backend",
  "the session of the XBackend itself",
  "the session of the rule itself",
  "any other policy at the rule",
  "any other policy at the route",
  "any other policy at the backend's port",
  "any other policy at the backend",
  "the balancer of the backend itself",
  "an AffinityPolicy at the listener",
  "any other policy at the listener",
  "an AffinityPolicy at the ListenerSet",
  "any other policy at the ListenerSet",
  "an AffinityPolicy at the Gateway",
  "any other policy at the Gateway",
] as const;

export type Standing = (typeof STANDINGS)[number];

/** It comes with the backend that a reference leads to, not with the rule. */
export function isAtBackend(standing: Standing): boolean {
  return /\bX?[Bb]ackend\b/.test(standing);
}

/** One object that says something, at one of the places that are asked. */
export interface Voice<T> {
  readonly value: T;
  readonly standing: Standing;
  readonly by: ObjectRef;
  /** In that object, as written. */
  readonly path: FieldPath;
}

const RANKS = new Map<Standing, number>(STANDINGS.map((standing, rank) => [standing, rank]));

export function inOrder<T>(voices: readonly Voice<T>[]): readonly Voice<T>[] {
  if (voices.length < 2) return voices;
  return [...voices].sort((a, b) => (RANKS.get(a.standing) as number) - (RANKS.get(b.standing) as number));
}

type Level = "rule" | "route" | "backend's port" | "backend" | "listener" | "ListenerSet" | "Gateway";

/** What policies say at one target. */
function voicesAt<K extends Contested>(
  effects: Effects,
  kind: K,
  level: Level,
  target: PolicyTarget,
): Voice<EffectOf<K>>[] {
  return effects.said(kind, target).map(({ effect, policy, targetPath, goesFirst }) => ({
    value: effect,
    standing: `${goesFirst ? "an AffinityPolicy" : "any other policy"} at the ${level}`,
    by: policy,
    path: targetPath,
  }));
}

export function voicesAtRoute<K extends "session" | "routeBalancing">(
  effects: Effects,
  kind: K,
  object: ObjectRef,
  ruleName: string | undefined,
): Voice<EffectOf<K>>[] {
  const atRule =
    ruleName === undefined ? [] : voicesAt(effects, kind, "rule", { object, sectionName: ruleName });
  return [...atRule, ...voicesAt(effects, kind, "route", { object })];
}

/** A listener, and the objects that it is part of: a policy at any of them is for the routes on it too. */
export interface ListenerPlace {
  readonly name: string;
  readonly gateway: ObjectRef;
  /** The Gateway itself, or the ListenerSet that the listener is written in. */
  readonly owner: ObjectRef;
}

/** The narrow ones first. */
export function listenerTargets({ name, owner, gateway }: ListenerPlace): PolicyTarget[] {
  const whole = owner === gateway ? [] : [{ object: owner }];
  return [{ object: owner, sectionName: name }, ...whole, { object: gateway }];
}

export function voicesAtListener<K extends "session" | "routeBalancing">(
  effects: Effects,
  kind: K,
  { name, owner, gateway }: ListenerPlace,
): Voice<EffectOf<K>>[] {
  return [
    ...voicesAt(effects, kind, "listener", { object: owner, sectionName: name }),
    ...(owner === gateway ? [] : voicesAt(effects, kind, "ListenerSet", { object: owner })),
    ...voicesAt(effects, kind, "Gateway", { object: gateway }),
  ];
}

export function voicesAtBackend<K extends "session" | "backendBalancing">(
  effects: Effects,
  kind: K,
  { object, port }: Pick<PolicyTarget, "object" | "port">,
): Voice<EffectOf<K>>[] {
  const atPort = port === undefined ? [] : voicesAt(effects, kind, "backend's port", { object, port });
  return [...atPort, ...voicesAt(effects, kind, "backend", { object })];
}

/** One object that speaks in vain, and where. */
export interface Override {
  readonly winner: Pick<Voice<unknown>, "by" | "standing">;
  readonly loser: Pick<Voice<unknown>, "by" | "standing" | "path">;
  /** `HTTPRoute/default/shop`. */
  readonly where: string;
}

/** An object that speaks at several places overrides nobody but others. */
export function overridesOf(voices: readonly Voice<unknown>[], where: string): Override[] {
  const [winner, ...losers] = voices;
  if (winner === undefined) return [];
  return losers.filter(({ by }) => by !== winner.by).map((loser) => ({ winner, loser, where }));
}

/** `others`: how many further places there are. */
export function overriddenText({ winner, loser, where }: Override, others: number): FindingText {
  const more = others === 0 ? "" : `, and the like at ${others} more`;
  const who = objectText(winner.by);
  const there = where === who ? "" : ` in ${where}`;
  return {
    message: `${who} has the say${there}: ${winner.standing} goes before ${loser.standing}${more}`,
    expected: "one object that declares it",
    hint: `nothing, if this is meant; else remove it from ${who}`,
  };
}
