// Where a new session goes under least request: to the endpoint that its sessions leave the most room.
import { ownWeights, type WeighedLookup, WeightedDraw, type Weights } from "./balance.ts";
import type { EndpointState } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";

/**
 * So many are drawn, so an endpoint that has just come gets at most so many times its share of the new sessions, from
 * all gateways and workers together.
 */
const LEAST_CHOICES = 4;

/**
 * Draws some endpoints by weight and takes the one whose load, for its weight, is least: what its sessions asked for
 * lately and the requests that it has in flight, which is what tunnels are seen by. Requests in flight alone would tell
 * nothing of the sessions that an endpoint has: most of them are silent at any moment.
 */
export class LeastLoadedLookup implements WeighedLookup {
  readonly pending = undefined;
  readonly #endpoints: readonly EndpointState[];
  readonly #draw: WeightedDraw;
  readonly #choiceCount: number;
  readonly #wallMs: () => number;
  #weights: Weights;

  constructor(endpoints: readonly EndpointState[], choiceCount: number, wallMs: () => number) {
    this.#endpoints = endpoints;
    this.#choiceCount = Math.max(LEAST_CHOICES, choiceCount);
    this.#wallMs = wallMs;
    this.#weights = ownWeights(endpoints);
    this.#draw = new WeightedDraw(endpoints.length, this.#weights);
  }

  reweigh(weights: Weights): void {
    this.#weights = weights;
    this.#draw.reweigh(weights);
  }

  pick(_hash: Hash64, _attempt: number, random: () => number): EndpointState {
    const nowSec = Math.floor(this.#wallMs() / 1000);
    let best = this.#draw.draw(random);
    let leastLoad = this.#loadOf(best, nowSec);
    for (let i = 1; i < this.#choiceCount; i++) {
      const other = this.#draw.draw(random);
      if (other === best) continue;
      const load = this.#loadOf(other, nowSec);
      if (load >= leastLoad) continue;
      best = other;
      leastLoad = load;
    }
    return this.#endpoints[best]!;
  }

  #loadOf(index: number, nowSec: number): number {
    const { active, sessions } = this.#endpoints[index]!;
    const load = active + sessions.at(nowSec);
    return this.#weights === undefined ? load : load / this.#weights[index]!;
  }
}
