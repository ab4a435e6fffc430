// Builds what decisions are asked with in tests: endpoints, backends, rules, request heads, clients.

import { BackendStates } from "../../src/affinity/backend-states.ts";
import { decide } from "../../src/affinity/decide.ts";
import type { Client, DecideOptions, Decision } from "../../src/affinity/decision.ts";
import { planRule, type RulePlan } from "../../src/affinity/plan.ts";
import type {
  Backend,
  Endpoint,
  RequestHead,
  Rule,
  SessionPersistence,
  WeightedBackend,
} from "../../src/model/index.ts";
import { requestHead } from "./request-head.ts";
import { match } from "./routes.ts";
import { backend, endpoint as endpointAt } from "./snapshots.ts";

export { endpointAt };

/** When decisions are asked for, unless a test says otherwise. */
export const NOW_SEC = 1_800_000_000;

/** Endpoints are addresses or whole endpoints. */
export function backendOf(
  id: string,
  endpoints: readonly (string | Endpoint)[],
  over: Partial<Backend> = {},
): Backend {
  const whole = endpoints.map((one) => (typeof one === "string" ? endpointAt(one) : one));
  return backend(id, whole, { id, ...over });
}

/** A rule that forwards; backends are ids of weight 1 or whole references. */
export function ruleOf(
  backends: readonly (string | Partial<WeightedBackend>)[],
  over: Partial<Rule> = {},
): Rule {
  return {
    name: "rule",
    matches: [match()],
    filters: [],
    action: {
      kind: "forward",
      backends: backends.map((one) => ({
        weight: 1,
        filters: [],
        ...(typeof one === "string" ? { backend: one } : one),
      })),
    },
    hashPolicies: [],
    splitByHash: false,
    ...over,
  };
}

export function cookieSession(
  over: Partial<SessionPersistence> = {},
  carrier: Partial<SessionPersistence["carrier"] & { kind: "cookie" }> = {},
): SessionPersistence {
  return {
    carrier: {
      kind: "cookie",
      name: "home",
      lifetime: "Session",
      attributes: [],
      secureOnTls: false,
      ...carrier,
    },
    endSecond: "included",
    split: "session",
    onLost: { action: "reassign" },
    token: { format: "envoy" },
    scope: "HTTPRoute/default/shop/home",
    ...over,
  };
}

export function headerSession(over: Partial<SessionPersistence> = {}): SessionPersistence {
  return { ...cookieSession(over), carrier: { kind: "header", name: "x-home" } };
}

export type HeaderLines = readonly (readonly [name: string, value: string])[];

export function requestOf(path: string, fields: HeaderLines = []): RequestHead {
  return requestHead({ path, fields });
}

export const CLIENT: Client = {
  peerAddress: "192.0.2.7:51234",
  localAddress: "192.0.2.1:8080",
  ip: "192.0.2.7",
  peerIsProxy: false,
};

/** The same numbers for the same seed (mulberry32), uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function statesOf(...backends: Backend[]): BackendStates {
  return statesAt(Date.now, ...backends);
}

/** With a clock of the test's own. */
export function statesAt(wallMs: () => number, ...backends: Backend[]): BackendStates {
  return BackendStates.empty(wallMs).update(backends);
}

export function planOf(rule: Rule, ...backends: Backend[]): RulePlan {
  return planRule(rule, statesOf(...backends));
}

/** Of a rule with this session, in front of one backend `b`. */
export function sessionPlanOf(
  session: SessionPersistence,
  endpoints: readonly (string | Endpoint)[],
): RulePlan {
  return planOf(ruleOf(["b"], { session }), backendOf("b", endpoints));
}

/** Decides as a caller that may block: tables are built through. */
export function decideNow(
  plan: RulePlan,
  request: RequestHead,
  over: Partial<DecideOptions> & { readonly client?: Client } = {},
): Decision {
  const { client = CLIENT, ...options } = over;
  const ask = { nowSec: NOW_SEC, random: Math.random, ...options };
  const first = decide(plan, request, client, ask);
  if (first.pending === undefined) return first;
  first.pending.step(() => false);
  return decide(plan, request, client, ask);
}

export function addressOf(decision: Decision): string | undefined {
  return decision.endpoint?.endpoint.address;
}
