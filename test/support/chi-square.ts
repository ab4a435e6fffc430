// Whether counts are what weights promise: Pearson's chi-square.

/** How far the counts are from the shares of the weights. A weight of 0 says nothing: check its count by itself. */
export function chiSquareOf(counts: readonly number[], weights: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  return counts.reduce((sum, count, index) => {
    const expected = (total * (weights[index] as number)) / totalWeight;
    return expected === 0 ? sum : sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** What chance stays below in 999 of 1000 cases, by degrees of freedom (the number of weights less one). */
export function chiSquareLimit(degreesOfFreedom: number): number {
  const limit = [0, 10.83, 13.82, 16.27, 18.47][degreesOfFreedom];
  if (limit === undefined || limit === 0) throw new RangeError(`no limit for ${degreesOfFreedom} degrees`);
  return limit;
}
