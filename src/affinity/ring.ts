// Ring hash, entry for entry as Envoy builds it (ring_hash_lb.cc): weighted points on a circle of 64-bit hashes.
import type { HashFunction } from "../model/index.ts";
import {
  type HashTable,
  type IndexArray,
  indexArray,
  normalizeWeights,
  type TableBuilder,
  type TableHost,
} from "./hash-table.ts";
import type { Hash64 } from "./hash64.ts";
import { murmurText } from "./murmur-hash2.ts";
import { radixOrder } from "./radix-order.ts";
import { hashText } from "./xxhash64.ts";

/** Envoy's limit for both sizes. */
const MAX_RING_SIZE = 8_388_608;

/** Entries between two checks whether to yield: some microseconds of work. */
const ENTRIES_PER_CHECK = 64;

/** Sizes in entries. */
export interface RingOptions {
  /** At least so many entries; more where the lightest host needs them to get one. */
  readonly minimumSize: number;
  readonly maximumSize: number;
  readonly hashFunction: HashFunction;
}

/** Envoy's `DefaultMinRingSize` and `DefaultMaxRingSize`. */
export const DEFAULT_RING: RingOptions = {
  minimumSize: 1024,
  maximumSize: MAX_RING_SIZE,
  hashFunction: "xxHash",
};

class Ring implements HashTable {
  readonly #highs: Uint32Array;
  readonly #lows: Uint32Array;
  readonly #owners: IndexArray;

  constructor(highs: Uint32Array, lows: Uint32Array, owners: IndexArray) {
    this.#highs = highs;
    this.#lows = lows;
    this.#owners = owners;
  }

  /** The owner of the first entry at or after the hash; `attempt` steps over entries, so a host can come again. */
  pick(hash: Hash64, attempt: number): number {
    const highs = this.#highs;
    const high = hash.high >>> 0;
    const low = hash.low >>> 0;
    let from = 0;
    let to = highs.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const entryHigh = highs[middle]!;
      if (entryHigh < high || (entryHigh === high && this.#lows[middle]! < low)) from = middle + 1;
      else to = middle;
    }
    if (from === highs.length) from = 0;
    return this.#owners[attempt === 0 ? from : (from + attempt) % highs.length]!;
  }
}

/** Builds a ring in slices. */
export class RingBuilder implements TableBuilder {
  table: HashTable | undefined;
  readonly #steps: Generator<undefined, HashTable>;

  /** @throws RangeError for sizes that are no whole numbers of 1 to 8388608 or cross each other, and for bad hosts. */
  constructor(hosts: readonly TableHost[], options: RingOptions) {
    checkSize("minimumSize", options.minimumSize);
    checkSize("maximumSize", options.maximumSize);
    if (options.minimumSize > options.maximumSize) {
      throw new RangeError(
        `minimumSize ${options.minimumSize} is greater than maximumSize ${options.maximumSize}`,
      );
    }
    this.#steps = ringSteps(hosts, entryCounts(hosts, options), options.hashFunction);
  }

  step(shouldYield: () => boolean): boolean {
    while (this.table === undefined) {
      const next = this.#steps.next();
      if (next.done === true) this.table = next.value;
      else if (shouldYield()) return false;
    }
    return true;
  }
}

function checkSize(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > MAX_RING_SIZE) {
    throw new RangeError(`${name}: ${value} is not a whole number of 1 to ${MAX_RING_SIZE}`);
  }
}

/**
 * How many entries each host gets. Envoy counts up in doubles while below a running target; the count is a whole
 * number throughout, so its end is the target rounded up and the earlier hosts get what rounding adds.
 */
function entryCounts(hosts: readonly TableHost[], options: RingOptions): number[] {
  const { shares, minimum } = normalizeWeights(hosts);
  const scale = Math.min(Math.ceil(minimum * options.minimumSize) / minimum, options.maximumSize);
  let current = 0;
  let target = 0;
  return Array.from(shares, (share) => {
    target += scale * share;
    const end = Math.max(current, Math.ceil(target));
    const count = end - current;
    current = end;
    return count;
  });
}

function* ringSteps(
  hosts: readonly TableHost[],
  counts: readonly number[],
  hashFunction: HashFunction,
): Generator<undefined, HashTable> {
  const size = counts.reduce((sum, count) => sum + count, 0);
  const highs = new Uint32Array(size);
  const lows = new Uint32Array(size);
  const owners = indexArray(size, hosts.length);
  const hash: Hash64 = { high: 0, low: 0 };
  let entry = 0;
  for (const [index, { key }] of hosts.entries()) {
    const count = counts[index]!;
    for (let i = 0; i < count; i++) {
      const text = `${key}_${i}`;
      if (hashFunction === "murmurHash2") {
        murmurText(text, hash);
      } else {
        hash.high = 0;
        hash.low = 0;
        hashText(text, hash);
      }
      highs[entry] = hash.high;
      lows[entry] = hash.low;
      owners[entry] = index;
      entry++;
      if (entry % ENTRIES_PER_CHECK === 0) yield;
    }
  }
  const order = yield* radixOrder(highs, lows);
  const sortedHighs = new Uint32Array(size);
  const sortedLows = new Uint32Array(size);
  const sortedOwners = indexArray(size, hosts.length);
  for (let i = 0; i < size; i++) {
    const from = order[i]!;
    sortedHighs[i] = highs[from]!;
    sortedLows[i] = lows[from]!;
    sortedOwners[i] = owners[from]!;
    if (i % ENTRIES_PER_CHECK === 0) yield;
  }
  return new Ring(sortedHighs, sortedLows, sortedOwners);
}
