// How mirrors choose among the endpoints of their backend: by the one decision too, as a rule without session and split.
import type { BackendStates } from "../affinity/backend-states.ts";
import { planRule, type RulePlan } from "../affinity/plan.ts";
import type { Rule } from "../model/index.ts";

/** Of one snapshot, made at first use. */
export class MirrorPlans {
  readonly #backends: BackendStates;
  readonly #plans = new WeakMap<Rule, Map<string, RulePlan>>();

  constructor(backends: BackendStates) {
    this.#backends = backends;
  }

  planOf(rule: Rule, backend: string): RulePlan {
    let plans = this.#plans.get(rule);
    if (plans === undefined) {
      plans = new Map();
      this.#plans.set(rule, plans);
    }
    let plan = plans.get(backend);
    if (plan === undefined) {
      plan = planRule(mirrorRule(rule, backend), this.#backends);
      plans.set(backend, plan);
    }
    return plan;
  }
}

function mirrorRule({ name, matches, hashPolicies }: Rule, backend: string): Rule {
  return {
    name,
    matches,
    filters: [],
    action: { kind: "forward", backends: [{ backend, weight: 1, filters: [] }] },
    hashPolicies,
    splitByHash: false,
  };
}
