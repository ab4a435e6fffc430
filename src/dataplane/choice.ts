// Asks the one decision for an exchange, for the first time or after tries that were in vain.
import { decide } from "../affinity/decide.ts";
import type { DecideOptions, Decision, EndpointState } from "../affinity/decision.ts";
import { keepPlan, planRule, type RulePlan } from "../affinity/plan.ts";
import type { Exchange } from "./exchange.ts";

/** One object for all first decisions: `decide` is synchronous and keeps nothing of it. */
const firstTime: { -readonly [K in keyof DecideOptions]: DecideOptions[K] } = {
  nowSec: 0,
  random: () => 0,
  keys: undefined,
};

export function chooseFirst(exchange: Exchange): Decision {
  firstTime.nowSec = Math.floor(exchange.startedWallMs / 1000);
  firstTime.random = exchange.context.random;
  firstTime.keys = exchange.context.sessionKeys;
  return decide(planOf(exchange), exchange.head, exchange.client, firstTime);
}

/**
 * The rule stays that of the beginning, and its endpoints are those of now: what was tried may have gone meanwhile, and
 * others may have come.
 * @param tried endpoints that had their chance, oldest first
 */
export function chooseAgain(exchange: Exchange, tried: readonly EndpointState[]): Decision {
  const { backends, random, sessionKeys: keys } = exchange.context;
  let plan = planOf(exchange);
  if (backends !== undefined) plan = keepPlan(plan, backends) ?? planRule(plan.rule, backends);
  exchange.plan = plan;
  const nowSec = Math.floor(exchange.startedWallMs / 1000);
  return decide(plan, exchange.head, exchange.client, { nowSec, random, tried, keys });
}

function planOf({ plan }: Exchange): RulePlan {
  if (plan === undefined) throw new Error("a rule that forwards has a plan");
  return plan;
}
