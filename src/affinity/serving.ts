// Who serves: which endpoints of a backend take new sessions, by Envoy's rules on health, degradation and panic.
import type { EndpointHealth } from "../model/index.ts";
import type { EndpointState } from "./decision.ts";

/** Healthy endpoints are taken to carry 1.4 times their share before degraded ones must help, as in Envoy. */
const OVERPROVISIONING_PERCENT = 140;

/** Other replicas of the gateway mostly know an endpoint that has come so much earlier than another. */
const TOGETHER_MS = 500;

export interface Serving {
  /** Too few serve, so health is ignored: all endpoints that stay take requests. */
  readonly panic: boolean;
  /** Nobody else is left, so those that drain take new sessions too. */
  readonly onlyDraining: boolean;
  /** Hash tables are built of these. Empty: nobody serves. */
  readonly endpoints: readonly EndpointState[];
  /** Plain balancing gives them the rest of `percent`. */
  readonly degraded: readonly EndpointState[];
  /** Share of plain balancing that `endpoints` get. */
  readonly percent: number;
}

/**
 * Draining endpoints leave on purpose, so they neither serve new sessions nor count as ill: scaling down is no panic.
 * Where nobody else serves they do, because somebody must and they are known to. Those that have just arrived wait until
 * every replica of the gateway knows them, as long as somebody serves meanwhile.
 */
export function findServing(states: readonly EndpointState[], panicThresholdPercent: number): Serving {
  const staying = settled(states.filter(({ endpoint }) => endpoint.health !== "draining"));
  const healthy = staying.filter(({ endpoint }) => isHealthy(endpoint.health));
  const degraded = staying.filter(({ endpoint }) => endpoint.health === "degraded");
  if (healthy.length + degraded.length === 0 && staying.length < states.length) {
    const draining = states.filter(({ endpoint }) => endpoint.health === "draining");
    return { ...ALL_TO_ONE_GROUP, onlyDraining: true, endpoints: draining };
  }
  const healthyPercent = availability(healthy.length, staying.length);
  const degradedPercent = availability(degraded.length, staying.length);
  const total = Math.min(100, healthyPercent + degradedPercent);
  const servingPercent = (100 * (healthy.length + degraded.length)) / staying.length;
  if (staying.length > 0 && total < 100 && servingPercent < panicThresholdPercent) {
    return { ...ALL_TO_ONE_GROUP, panic: true, endpoints: staying };
  }
  if (healthy.length === 0) return { ...ALL_TO_ONE_GROUP, endpoints: degraded };
  const degradedShare = Math.min(
    100 - Math.min(100, Math.floor((healthyPercent * 100) / total)),
    Math.floor((degradedPercent * 100) / total),
  );
  return degradedShare === 0
    ? { ...ALL_TO_ONE_GROUP, endpoints: healthy }
    : { ...ALL_TO_ONE_GROUP, endpoints: healthy, degraded, percent: 100 - degradedShare };
}

const ALL_TO_ONE_GROUP = { panic: false, onlyDraining: false, degraded: [], percent: 100 } as const;

/**
 * Without those that have just arrived. Where nobody else serves, as when a rollout has replaced everybody within seconds,
 * without the latest of them; with all where they have come together.
 */
function settled(staying: readonly EndpointState[]): readonly EndpointState[] {
  const others = staying.filter(({ endpoint }) => endpoint.arrivingSinceMs === undefined);
  if (others.some(serves) || others.length === staying.length) return others;
  let latestMs = 0;
  for (const { endpoint } of staying) latestMs = Math.max(latestMs, endpoint.arrivingSinceMs ?? 0);
  const before = staying.filter(({ endpoint }) => (endpoint.arrivingSinceMs ?? 0) <= latestMs - TOGETHER_MS);
  return before.some(serves) ? before : staying;
}

function serves({ endpoint: { health } }: EndpointState): boolean {
  return isHealthy(health) || health === "degraded";
}

function isHealthy(health: EndpointHealth): boolean {
  return health === "unknown" || health === "healthy";
}

function availability(count: number, total: number): number {
  return total === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONING_PERCENT * count) / total));
}

/** Which endpoints a token is followed to, and what a strict session answers where it is not. */
export interface FollowRules {
  readonly health: ReadonlySet<EndpointHealth>;
  /** In panic a token is followed whatever the endpoint's health. */
  readonly panicIgnoresHealth: boolean;
  /** Answer of `onLost: reject` for an endpoint that is there but may not be followed; undefined: the configured one. */
  readonly unhealthyStatus: number | undefined;
}

/** What Limpet does: draining endpoints keep their sessions. */
export const LIMPET_FOLLOW: FollowRules = {
  health: new Set<EndpointHealth>(["unknown", "healthy", "degraded", "draining"]),
  panicIgnoresHealth: true,
  unhealthyStatus: undefined,
};

/** What Envoy 1.40 does by default (`override_host_status` absent). */
export const ENVOY_FOLLOW: FollowRules = {
  health: new Set<EndpointHealth>(["unknown", "healthy", "degraded"]),
  panicIgnoresHealth: false,
  unhealthyStatus: 503,
};
