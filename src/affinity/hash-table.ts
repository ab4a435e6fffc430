// What ring and Maglev table have in common: hosts with weights in, an index by hash and attempt out, built in slices.
import type { PendingTable } from "./decision.ts";
import type { Hash64 } from "./hash64.ts";

/** One host of a table. Keys are latin1 text. */
export interface TableHost {
  readonly key: string;
  /** A whole number of at least 1; undefined: 1. */
  readonly weight?: number;
}

/** A finished table. */
export interface HashTable {
  /** Index into the hosts it was built of: the choice for a hash, or, with `attempt` above 0, a later one. */
  pick(hash: Hash64, attempt: number): number;
}

/** A table under construction; `table` is there once `step` has answered true. */
export interface TableBuilder extends PendingTable {
  readonly table: HashTable | undefined;
}

export type IndexArray = Uint8Array | Uint16Array | Uint32Array;

/** The smallest array that holds whole numbers up to `largest`. */
export function indexArray(size: number, largest: number): IndexArray {
  if (largest <= 0xff) return new Uint8Array(size);
  if (largest <= 0xffff) return new Uint16Array(size);
  return new Uint32Array(size);
}

/** Shares of the whole, with Envoy's bounds: `minimum` is at most 1, `maximum` at least 0. */
export interface NormalizedWeights {
  readonly shares: Float64Array;
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Envoy's `normalizeWeights`: every weight divided by the sum, in doubles.
 * @throws RangeError where there is no host, a weight is not a whole number of at least 1, or the sum exceeds 2^32 - 1.
 */
export function normalizeWeights(hosts: readonly TableHost[]): NormalizedWeights {
  if (hosts.length === 0) throw new RangeError("hosts: at least one is needed");
  let sum = 0;
  for (const { key, weight = 1 } of hosts) {
    if (!Number.isInteger(weight) || weight < 1) {
      throw new RangeError(`weight of ${key}: ${weight} is not a whole number of at least 1`);
    }
    sum += weight;
  }
  if (sum > 0xffff_ffff) throw new RangeError(`hosts: the sum of weights ${sum} exceeds ${0xffff_ffff}`);
  const shares = Float64Array.from(hosts, ({ weight = 1 }) => weight / sum);
  let minimum = 1;
  let maximum = 0;
  for (const share of shares) {
    minimum = Math.min(minimum, share);
    maximum = Math.max(maximum, share);
  }
  return { shares, minimum, maximum };
}

/** For callers that may block: builds to the end. */
export function buildThrough(builder: TableBuilder): HashTable {
  builder.step(() => false);
  return builder.table as HashTable;
}
