// Maglev, slot for slot as Envoy fills it (maglev_lb.cc): every host takes its next free slot in turn, by weight.

import {
  type HashTable,
  type IndexArray,
  indexArray,
  normalizeWeights,
  type TableBuilder,
  type TableHost,
} from "./hash-table.ts";
import { type Hash64, remainder64 } from "./hash64.ts";
import { hashText } from "./xxhash64.ts";

/** Envoy's limit. */
const MAX_TABLE_SIZE = 5_000_011;

/** Hosts and slots looked at between two checks whether to yield: some microseconds of work. */
const PROBES_PER_CHECK = 256;

export interface MaglevOptions {
  /** Slots; a prime of at most 5000011. */
  readonly tableSize: number;
}

/** Envoy's `DefaultTableSize`. */
export const DEFAULT_MAGLEV: MaglevOptions = { tableSize: 65537 };

class MaglevTable implements HashTable {
  /** Index of the host plus one: a fresh array of zeros is an empty table at no cost. */
  readonly #slots: IndexArray;

  constructor(slots: IndexArray) {
    this.#slots = slots;
  }

  /** A later attempt flips the hash: `hash xor (2^64 - attempt)`. */
  pick(hash: Hash64, attempt: number): number {
    const slots = this.#slots;
    const slot =
      attempt === 0
        ? remainder64(hash.high, hash.low, slots.length)
        : remainder64(~hash.high, hash.low ^ -attempt, slots.length);
    return slots[slot]! - 1;
  }
}

/** Fills a Maglev table in slices; even one long search for a free slot can be interrupted. */
export class MaglevBuilder implements TableBuilder {
  table: HashTable | undefined;
  readonly #slots: IndexArray;
  readonly #shares: Float64Array;
  readonly #largestShare: number;
  /** Indices of the hosts in the order of their keys' bytes. */
  readonly #order: Uint32Array;
  /** By host: where it looks next, how far it moves on, and when its turn comes again. */
  readonly #positions: Uint32Array;
  readonly #skips: Uint32Array;
  readonly #targets: Float64Array;
  #round = 1;
  #turn = 0;
  #filled = 0;

  /** @throws RangeError where the table size is no prime of at most 5000011, and for bad hosts. */
  constructor(hosts: readonly TableHost[], { tableSize }: MaglevOptions) {
    if (!isPrime(tableSize) || tableSize > MAX_TABLE_SIZE) {
      throw new RangeError(`tableSize: ${tableSize} is not a prime number of at most ${MAX_TABLE_SIZE}`);
    }
    const { shares, maximum } = normalizeWeights(hosts);
    this.#shares = shares;
    this.#largestShare = maximum;
    this.#slots = indexArray(tableSize, hosts.length);
    const byKey = (a: number, b: number) => {
      const left = hosts[a]!.key;
      const right = hosts[b]!.key;
      return left < right ? -1 : left > right ? 1 : 0;
    };
    this.#order = Uint32Array.from(Array.from(hosts.keys()).sort(byKey));
    this.#targets = new Float64Array(hosts.length);
    this.#positions = new Uint32Array(hosts.length);
    this.#skips = new Uint32Array(hosts.length);
    const hash: Hash64 = { high: 0, low: 0 };
    for (const [index, { key }] of hosts.entries()) {
      hash.high = 0;
      hash.low = 0;
      hashText(key, hash);
      this.#positions[index] = remainder64(hash.high, hash.low, tableSize);
      hash.high = 0;
      hash.low = 1;
      hashText(key, hash);
      this.#skips[index] = remainder64(hash.high, hash.low, tableSize - 1) + 1;
    }
  }

  step(shouldYield: () => boolean): boolean {
    while (this.table === undefined) {
      if (this.#fill(PROBES_PER_CHECK)) this.table = new MaglevTable(this.#slots);
      else if (shouldYield()) return false;
    }
    return true;
  }

  /** Goes on where it stopped, for about so many probes; true once every slot is taken. */
  #fill(probes: number): boolean {
    const slots = this.#slots;
    const size = slots.length;
    while (probes > 0) {
      if (this.#turn === this.#order.length) {
        this.#turn = 0;
        this.#round++;
      }
      const host = this.#order[this.#turn]!;
      probes--;
      if (this.#round * this.#shares[host]! >= this.#targets[host]!) {
        const skip = this.#skips[host]!;
        let position = this.#positions[host]!;
        while (slots[position] !== 0 && probes > 0) {
          position += skip;
          if (position >= size) position -= size;
          probes--;
        }
        this.#positions[host] = position;
        if (slots[position] !== 0) return false;
        slots[position] = host + 1;
        this.#targets[host]! += this.#largestShare;
        if (++this.#filled === size) return true;
      }
      this.#turn++;
    }
    return false;
  }
}

function isPrime(value: number): boolean {
  if (!Number.isInteger(value) || value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) {
    if (value % divisor === 0) return false;
  }
  return true;
}
