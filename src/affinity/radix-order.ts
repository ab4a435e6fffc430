// Sorts 64-bit keys in slices: a stable radix sort of positions, whose steps cost the same whatever the keys are.

const DIGITS = 8;
const DIGIT_VALUES = 256;

/** Keys between two checks whether to yield: some microseconds of work. */
const KEYS_PER_CHECK = 512;

/** Positions of the keys in ascending order, equal keys in their own order; yields every few microseconds of work. */
export function* radixOrder(highs: Uint32Array, lows: Uint32Array): Generator<undefined, Uint32Array> {
  const size = highs.length;
  let order = new Uint32Array(size);
  let sorted = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    order[i] = i;
    if (i % KEYS_PER_CHECK === 0) yield;
  }
  const starts = new Uint32Array(DIGIT_VALUES);
  for (let digit = 0; digit < DIGITS; digit++) {
    const keys = digit < DIGITS / 2 ? lows : highs;
    const shift = (digit % (DIGITS / 2)) * 8;
    starts.fill(0);
    for (let i = 0; i < size; i++) {
      starts[(keys[i]! >>> shift) & 0xff]!++;
      if (i % KEYS_PER_CHECK === 0) yield;
    }
    let start = 0;
    for (let value = 0; value < DIGIT_VALUES; value++) {
      const count = starts[value]!;
      starts[value] = start;
      start += count;
    }
    for (let i = 0; i < size; i++) {
      const from = order[i]!;
      sorted[starts[(keys[from]! >>> shift) & 0xff]!++] = from;
      if (i % KEYS_PER_CHECK === 0) yield;
    }
    [order, sorted] = [sorted, order];
  }
  return order;
}
