// Builds what decisions are asked with in tests: endpoints, backends, rules, request heads, clients.

import { BackendStates } from "../../src/affinity/backend-states.ts";
import { decide } from "../../src/affinity/decide.ts";
import type { Client, DecideOptions, Decision } from "../../src/affinity/decision.ts";
import { planRule, type RulePlan } from "../../src/affinity/plan.ts";
import {
  type Backend,
  DEFAULT_LOAD_BALANCER,
  type Endpoint,
  type RequestHead,
  type Rule,
  type SessionPersistence,
  type WeightedBackend,
} from "../../src/model/index.ts";

export function endpointAt(address: string, over: Partial<Endpoint> = {}): Endpoint {
  const colon = address.lastIndexOf(":");
  return {
    address,
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    weight: 1,
    health: "unknown",
    ...over,
  };
}

/** Endpoints are addresses or whole endpoints. */
export function backendOf(
  id: string,
  endpoints: readonly (string | Endpoint)[],
  over: Partial<Backend> = {},
): Backend {
  return {
    id,
    object: { group: "", kind: "Service", namespace: "default", name: id },
    endpoints: endpoints.map((one) => (typeof one === "string" ? endpointAt(one) : one)),
    loadBalancer: DEFAULT_LOAD_BALANCER,
    panicThresholdPercent: 50,
    ...over,
  };
}

/** A rule that forwards; backends are ids of weight 1 or whole references. */
export function ruleOf(
  backends: readonly (string | Partial<WeightedBackend>)[],
  over: Partial<Rule> = {},
): Rule {
  return {
    name: "rule",
    matches: [{ path: { type: "prefix", value: "/" }, headers: [], query: [] }],
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

export function requestOf(path: string, headers: HeaderLines = []): RequestHead {
  const lines = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  const getAll = (name: string) => lines.filter(([other]) => other === name).map(([, value]) => value);
  return {
    method: "GET",
    authority: "shop.example",
    path,
    get: (name) => getAll(name)[0],
    getAll,
    forEach: (visit) => {
      for (const [name, value] of lines) visit(name, value);
    },
    edits: { set() {}, add() {}, remove() {} },
  };
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
  return BackendStates.empty().update(backends);
}

export function planOf(rule: Rule, ...backends: Backend[]): RulePlan {
  return planRule(rule, statesOf(...backends));
}

/** Decides as a caller that may block: tables are built through. */
export function decideNow(
  plan: RulePlan,
  request: RequestHead,
  over: Partial<DecideOptions> & { readonly client?: Client } = {},
): Decision {
  const { client = CLIENT, ...options } = over;
  const ask = { nowSec: 1_800_000_000, random: Math.random, ...options };
  const first = decide(plan, request, client, ask);
  if (first.pending === undefined) return first;
  first.pending.step(() => false);
  return decide(plan, request, client, ask);
}

export function addressOf(decision: Decision): string | undefined {
  return decision.endpoint?.endpoint.address;
}
