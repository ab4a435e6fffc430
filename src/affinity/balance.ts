// Plain balancing: least request, round robin and random over the endpoints that serve, true to their weights.
import type { EndpointState } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";
import type { EndpointLookup } from "./lookup.ts";

type Random = () => number;

/** One weight for each endpoint, in their order; undefined: all are equal, which is quicker. */
export type Weights = Float64Array | undefined;

/** A balancer whose weights may change while it works, as they do in slow start. */
export interface WeighedLookup extends EndpointLookup {
  reweigh(weights: Weights): void;
}

export function ownWeights(endpoints: readonly EndpointState[]): Weights {
  if (endpoints.every(({ endpoint }) => endpoint.weight === endpoints[0]!.endpoint.weight)) return undefined;
  return Float64Array.from(endpoints, ({ endpoint }) => endpoint.weight);
}

/** Draws places by weight: straight where all weights are equal, else by search over running sums. */
export class WeightedDraw {
  readonly #size: number;
  #sums: Float64Array | undefined;

  constructor(size: number, weights: Weights) {
    this.#size = size;
    this.reweigh(weights);
  }

  reweigh(weights: Weights): void {
    let sum = 0;
    this.#sums = weights?.map((weight) => {
      sum += weight;
      return sum;
    });
  }

  draw(random: Random): number {
    const sums = this.#sums;
    if (sums === undefined) return Math.floor(random() * this.#size);
    const value = random() * sums[sums.length - 1]!;
    let from = 0;
    let to = sums.length - 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (sums[middle]! <= value) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Draws by weight. */
export class RandomLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #endpoints: readonly EndpointState[];
  readonly #draw: WeightedDraw;

  constructor(endpoints: readonly EndpointState[]) {
    this.#endpoints = endpoints;
    this.#draw = new WeightedDraw(endpoints.length, ownWeights(endpoints));
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    return this.#endpoints[this.#draw.draw(random)]!;
  }
}

/** Draws some by weight and takes the one with the fewest requests for its weight; of equals the first drawn. */
export class LeastRequestLookup implements WeighedLookup {
  readonly pending = undefined;
  readonly #endpoints: readonly EndpointState[];
  readonly #draw: WeightedDraw;
  readonly #choiceCount: number;
  #weights: Weights;

  constructor(endpoints: readonly EndpointState[], choiceCount: number) {
    this.#endpoints = endpoints;
    this.#choiceCount = choiceCount;
    this.#weights = ownWeights(endpoints);
    this.#draw = new WeightedDraw(endpoints.length, this.#weights);
  }

  reweigh(weights: Weights): void {
    this.#weights = weights;
    this.#draw.reweigh(weights);
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    const weights = this.#weights;
    let best = this.#draw.draw(random);
    for (let i = 1; i < this.#choiceCount; i++) {
      const other = this.#draw.draw(random);
      const bestLoad = this.#endpoints[best]!.active;
      const otherLoad = this.#endpoints[other]!.active;
      const isFreer =
        weights === undefined
          ? otherLoad < bestLoad
          : otherLoad * weights[best]! < bestLoad * weights[other]!;
      if (isFreer) best = other;
    }
    return this.#endpoints[best]!;
  }
}

/** One after the other from a random start; with unequal weights in smooth proportion, never in bursts. */
export class RoundRobinLookup implements WeighedLookup {
  readonly pending = undefined;
  readonly #endpoints: readonly EndpointState[];
  #weights: Weights;
  #totalWeight = 0;
  /** Made at the first pick by weight. */
  #credits: Float64Array | undefined;
  #next = -1;

  constructor(endpoints: readonly EndpointState[]) {
    this.#endpoints = endpoints;
    this.reweigh(ownWeights(endpoints));
  }

  reweigh(weights: Weights): void {
    this.#weights = weights;
    this.#totalWeight = weights?.reduce((sum, weight) => sum + weight, 0) ?? 0;
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    if (this.#weights !== undefined) return this.#endpoints[this.#richest(this.#weights, random)]!;
    const size = this.#endpoints.length;
    this.#next = this.#next === -1 ? Math.floor(random() * size) : (this.#next + 1) % size;
    return this.#endpoints[this.#next]!;
  }

  /** Everybody earns its weight, the richest serves and pays for all. The start is random, so replicas differ. */
  #richest(weights: Float64Array, random: Random): number {
    this.#credits ??= weights.map((weight) => random() * weight);
    const credits = this.#credits;
    let richest = 0;
    for (let i = 0; i < credits.length; i++) {
      credits[i]! += weights[i]!;
      if (credits[i]! > credits[richest]!) richest = i;
    }
    credits[richest]! -= this.#totalWeight;
    return richest;
  }
}

/** Gives a share of the requests to a second group of endpoints: degraded ones, where too few others serve. */
export class SharedLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #first: EndpointLookup;
  readonly #second: EndpointLookup;
  readonly #firstPercent: number;

  constructor(first: EndpointLookup, second: EndpointLookup, firstPercent: number) {
    this.#first = first;
    this.#second = second;
    this.#firstPercent = firstPercent;
  }

  pick(hash: Hash64, attempt: number, random: Random): EndpointState {
    const group = random() * 100 < this.#firstPercent ? this.#first : this.#second;
    return group.pick(hash, attempt, random);
  }
}
