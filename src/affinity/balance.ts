// Plain balancing: least request, round robin and random over the endpoints that serve, true to their weights.
import type { EndpointState } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";
import type { EndpointLookup } from "./lookup.ts";

type Random = () => number;

/** Draws endpoints by weight: straight where all weights are equal, else by search over running sums. */
class WeightedDraw {
  readonly endpoints: readonly EndpointState[];
  readonly #sums: Float64Array | undefined;

  constructor(endpoints: readonly EndpointState[]) {
    this.endpoints = endpoints;
    if (hasEqualWeights(endpoints)) return;
    let sum = 0;
    this.#sums = Float64Array.from(endpoints, (state) => {
      sum += state.endpoint.weight;
      return sum;
    });
  }

  draw(random: Random): EndpointState {
    const endpoints = this.endpoints;
    const sums = this.#sums;
    if (sums === undefined) return endpoints[Math.floor(random() * endpoints.length)]!;
    const value = random() * sums[sums.length - 1]!;
    let from = 0;
    let to = sums.length - 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (sums[middle]! <= value) from = middle + 1;
      else to = middle;
    }
    return endpoints[from]!;
  }
}

function hasEqualWeights(endpoints: readonly EndpointState[]): boolean {
  return endpoints.every(({ endpoint }) => endpoint.weight === endpoints[0]!.endpoint.weight);
}

/** Draws by weight. */
export class RandomLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #draw: WeightedDraw;

  constructor(endpoints: readonly EndpointState[]) {
    this.#draw = new WeightedDraw(endpoints);
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    return this.#draw.draw(random);
  }
}

/** Draws some by weight and takes the one with the fewest requests for its weight; of equals the first drawn. */
export class LeastRequestLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #draw: WeightedDraw;
  readonly #choiceCount: number;

  constructor(endpoints: readonly EndpointState[], choiceCount: number) {
    this.#draw = new WeightedDraw(endpoints);
    this.#choiceCount = choiceCount;
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    let best = this.#draw.draw(random);
    for (let i = 1; i < this.#choiceCount; i++) {
      const other = this.#draw.draw(random);
      if (other.active * best.endpoint.weight < best.active * other.endpoint.weight) best = other;
    }
    return best;
  }
}

/** One after the other from a random start; with unequal weights in smooth proportion, never in bursts. */
export class RoundRobinLookup implements EndpointLookup {
  readonly pending = undefined;
  readonly #endpoints: readonly EndpointState[];
  readonly #credits: Float64Array | undefined;
  readonly #totalWeight: number;
  #next = -1;

  constructor(endpoints: readonly EndpointState[]) {
    this.#endpoints = endpoints;
    this.#credits = hasEqualWeights(endpoints) ? undefined : new Float64Array(endpoints.length);
    this.#totalWeight = endpoints.reduce((sum, { endpoint }) => sum + endpoint.weight, 0);
  }

  pick(_hash: Hash64, _attempt: number, random: Random): EndpointState {
    const size = this.#endpoints.length;
    if (this.#credits !== undefined) return this.#endpoints[this.#richest(this.#credits, random)]!;
    this.#next = this.#next === -1 ? Math.floor(random() * size) : (this.#next + 1) % size;
    return this.#endpoints[this.#next]!;
  }

  /** Everybody earns its weight, the richest serves and pays for all. The start is random, so replicas differ. */
  #richest(credits: Float64Array, random: Random): number {
    if (this.#next === -1) {
      this.#next = 0;
      for (let i = 0; i < credits.length; i++) credits[i] = random() * this.#endpoints[i]!.endpoint.weight;
    }
    let richest = 0;
    for (let i = 0; i < credits.length; i++) {
      credits[i]! += this.#endpoints[i]!.endpoint.weight;
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
