// A rule made ready for deciding, once per snapshot: references resolved, weights summed up, sessions grouped.
import {
  DEFAULT_LOAD_BALANCER,
  type HashPolicy,
  type LoadBalancer,
  type Rule,
  type SessionPersistence,
  type WeightedBackend,
} from "../model/index.ts";
import type { BackendStates, LiveBackend } from "./backend-states.ts";
import type { EndpointLookup } from "./lookup.ts";
import { type FollowRules, LIMPET_FOLLOW } from "./serving.ts";
import { isHashing } from "./table-store.ts";
import { backendMark } from "./token/sealed-layout.ts";

/** One backendRef of a rule with all that a decision needs of it. */
export class PlannedReference {
  readonly reference: WeightedBackend;
  /** Undefined: the reference is invalid. */
  readonly backend: LiveBackend | undefined;
  /** The reference's own, else the rule's. */
  readonly session: SessionPersistence | undefined;
  /** Undefined: the balancer does not hash. */
  readonly hashPolicies: readonly HashPolicy[] | undefined;
  readonly balancer: LoadBalancer;
  #lookup: EndpointLookup | undefined;
  #mark: number | undefined;

  constructor(reference: WeightedBackend, backend: LiveBackend | undefined, rule: Rule) {
    this.reference = reference;
    this.backend = backend;
    this.session = reference.session ?? rule.session;
    this.balancer = reference.loadBalancer ?? backend?.backend.loadBalancer ?? DEFAULT_LOAD_BALANCER;
    this.hashPolicies = isHashing(this.balancer)
      ? (this.balancer.hashPolicies ?? rule.hashPolicies)
      : undefined;
  }

  /** What sealed tokens call the backend. */
  get mark(): number {
    this.#mark ??= backendMark(this.reference.backend ?? "");
    return this.#mark;
  }

  /** Still what the snapshot says of its backend. */
  isCurrent(states: BackendStates): boolean {
    const id = this.reference.backend;
    if (this.backend !== (id === undefined ? undefined : states.get(id))) return false;
    // The backend forgets lookups that nobody asks for.
    if (this.#lookup !== undefined && this.backend !== undefined) this.#lookUp(this.backend);
    return true;
  }

  /** Made at first use, for a backend with endpoints that serve. */
  lookupIn(backend: LiveBackend): EndpointLookup {
    this.#lookup ??= this.#lookUp(backend);
    return this.#lookup;
  }

  #lookUp(backend: LiveBackend): EndpointLookup {
    return backend.lookup(this.balancer, this.session !== undefined);
  }
}

/** A session that is looked for before the weights choose, and the references that its token may lead to. */
export interface FreeSession {
  readonly session: SessionPersistence;
  readonly references: readonly PlannedReference[];
}

export interface RulePlan {
  readonly rule: Rule;
  readonly references: readonly PlannedReference[];
  readonly weights: readonly number[];
  readonly totalWeight: number;
  /** Sessions that keep their backend whatever the weights (`split: session`). */
  readonly freeSessions: readonly FreeSession[];
  readonly follow: FollowRules;
}

/** For rules that forward; `follow` is Limpet's own unless a caller compares with Envoy. */
export function planRule(rule: Rule, states: BackendStates, follow: FollowRules = LIMPET_FOLLOW): RulePlan {
  const backends = rule.action.kind === "forward" ? rule.action.backends : [];
  const references = backends.map((reference) => {
    const id = reference.backend;
    return new PlannedReference(reference, id === undefined ? undefined : states.get(id), rule);
  });
  const weights = backends.map(({ weight }) => weight);
  return {
    rule,
    references,
    weights,
    totalWeight: weights.reduce((sum, weight) => sum + weight, 0),
    freeSessions: freeSessions(references),
    follow,
  };
}

/** The same plan for the next snapshot, where no backend of the rule has changed; undefined: it has to be made anew. */
export function keepPlan(plan: RulePlan | undefined, states: BackendStates): RulePlan | undefined {
  if (plan === undefined) return undefined;
  for (const reference of plan.references) if (!reference.isCurrent(states)) return undefined;
  return plan;
}

function freeSessions(references: readonly PlannedReference[]): FreeSession[] {
  const sessions = new Set(references.map(({ session }) => session));
  return [...sessions]
    .filter((session) => session?.split === "session")
    .map((session) => ({
      session: session!,
      references: references.filter((reference) => reference.session === session),
    }));
}

/** Envoy's walk over weights: the first index whose running sum exceeds `value`, a number in [0, sum of weights). */
export function weightedIndex(weights: readonly number[], value: number): number {
  let sum = 0;
  return weights.findIndex((weight) => {
    sum += weight;
    return value < sum;
  });
}
