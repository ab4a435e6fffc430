// Bounded load over a hash table (Envoy's hash_balance_factor): who is too busy passes the request on, same order a key.
import type { EndpointState } from "./decision.ts";
import type { HashTable } from "./hash-table.ts";
import type { Hash64 } from "./hash64.ts";
import { MersenneTwister } from "./mersenne-twister.ts";

/** Every pick seeds it anew, so one serves all. */
const twister = new MersenneTwister();

/** What a bounded pick reads beside the table. */
export interface BoundedLoad {
  /** The hosts of the table, in its order. */
  readonly endpoints: readonly EndpointState[];
  /** Their shares of the weight, summing up to 1. */
  readonly shares: Float64Array;
  /** All endpoints of the backend, serving or not: the mean is taken over their requests. */
  readonly all: readonly EndpointState[];
  /** Percent of the mean that an endpoint may carry, at least 100. */
  readonly factorPercent: number;
}

/** Index of the host that the table prefers, or of the first in the key's own random order that has room. */
export function pickBounded(load: BoundedLoad, table: HashTable, hash: Hash64, attempt: number): number {
  const preferred = table.pick(hash, attempt);
  const capacity = totalCapacity(load);
  let leastOverload = overload(load, preferred, capacity);
  if (leastOverload <= 1) return preferred;
  let least = preferred;
  const size = load.endpoints.length;
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  twister.seed(hash.low);
  for (let i = 0; i < size; i++) {
    const drawn = i + drawBelow(size - i);
    const candidate = order[drawn]!;
    order[drawn] = order[i]!;
    if (candidate === preferred) continue;
    const candidateOverload = overload(load, candidate, capacity);
    if (candidateOverload <= 1) return candidate;
    if (candidateOverload < leastOverload) {
      leastOverload = candidateOverload;
      least = candidate;
    }
  }
  return least;
}

/** Requests that the whole backend may carry once this one has come. */
function totalCapacity({ all, factorPercent }: BoundedLoad): number {
  let active = 0;
  for (const endpoint of all) active += endpoint.active;
  return Math.floor(((active + 1) * factorPercent + 99) / 100);
}

function overload({ endpoints, shares }: BoundedLoad, index: number, capacity: number): number {
  return endpoints[index]!.active / Math.max(1, Math.ceil(capacity * shares[index]!));
}

/** Uniform in [0, limit), by rejection, as Envoy draws it. */
function drawBelow(limit: number): number {
  const step = Math.floor(0x1_0000_0000 / limit);
  for (;;) {
    const value = Math.floor(twister.next() / step);
    if (value < limit) return value;
  }
}
