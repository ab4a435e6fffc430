// Counts values by size: what durations are kept in, a few nanoseconds each.

/** Plain data of a histogram, as it travels from workers to the primary. */
export interface HistogramCounts {
  /** For each bucket the values that belong to it alone; the last one has those above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  /** @param bounds upper bounds, ascending; a value that equals one belongs below it, as in Prometheus */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    // Most values are small, and the bounds are few: a walk is faster than a search.
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  get counts(): HistogramCounts {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

/** Both together; of the same metric, so with the same buckets. */
export function addCounts(a: HistogramCounts, b: HistogramCounts): HistogramCounts {
  return { counts: a.counts.map((count, index) => count + (b.counts[index] ?? 0)), sum: a.sum + b.sum };
}
