// Slow start: an endpoint that just began to serve gets its share little by little, by Envoy's formula.
import type { Endpoint, SlowStart } from "../model/index.ts";
import { ownWeights, type WeighedLookup } from "./balance.ts";
import type { EndpointState } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";
import type { EndpointLookup } from "./lookup.ts";

/** Weights follow the clock in steps of so long. */
const STEP_MS = 250;

/**
 * What an endpoint weighs at that moment: its weight times the larger of `minWeightPercent` and
 * (time since it began / window) ^ (1 / aggression), as `applySlowStartFactor` of Envoy 1.40.
 */
export function slowStartWeight(
  endpoint: Endpoint,
  { windowMs, aggression, minWeightPercent }: SlowStart,
  nowMs: number,
): number {
  const { weight, slowStartSinceMs } = endpoint;
  if (slowStartSinceMs === undefined || nowMs - slowStartSinceMs >= windowMs) return weight;
  const timeFactor = Math.max(1, nowMs - slowStartSinceMs) / windowMs;
  return weight * Math.max(timeFactor ** (1 / aggression), minWeightPercent / 100);
}

/** Keeps the weights of another balancer up to date until the slow start of its endpoints is over. */
export class SlowStartLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #inner: WeighedLookup;
  readonly #endpoints: readonly EndpointState[];
  readonly #slowStart: SlowStart;
  readonly #wallMs: () => number;
  readonly #endMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(
    inner: WeighedLookup,
    endpoints: readonly EndpointState[],
    slowStart: SlowStart,
    wallMs: () => number,
  ) {
    this.#inner = inner;
    this.#endpoints = endpoints;
    this.#slowStart = slowStart;
    this.#wallMs = wallMs;
    this.#endMs = endpoints.reduce(
      (end, { endpoint }) => Math.max(end, (endpoint.slowStartSinceMs ?? 0) + slowStart.windowMs),
      0,
    );
  }

  pick(hash: Hash64, attempt: number, random: () => number): EndpointState {
    const nowMs = this.#wallMs();
    if (nowMs >= this.#nextMs) this.#reweigh(nowMs);
    return this.#inner.pick(hash, attempt, random);
  }

  #reweigh(nowMs: number): void {
    const isOver = nowMs >= this.#endMs;
    this.#nextMs = isOver ? Number.POSITIVE_INFINITY : nowMs + STEP_MS;
    this.#inner.reweigh(
      isOver
        ? ownWeights(this.#endpoints)
        : Float64Array.from(this.#endpoints, ({ endpoint }) =>
            slowStartWeight(endpoint, this.#slowStart, nowMs),
          ),
    );
  }
}
