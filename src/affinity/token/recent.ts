// A bounded memory of what was asked for lately: two generations, of which the older one is dropped as a whole.

/**
 * What is asked for moves into the young generation; once that is full it becomes the old one. So everything asked for
 * within the last generation is still known, and neither a hit nor an insertion ever searches for what to drop.
 */
export class Recent<Value> {
  readonly #maxEntries: number;
  readonly #maxSize: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #youngSize = 0;
  readonly #sizeOf: (key: string, value: Value) => number;

  /** @param maxEntries and `maxSize`, in the unit of `sizeOf`, hold for each of both generations. */
  constructor(maxEntries: number, maxSize: number, sizeOf: (key: string, value: Value) => number) {
    this.#maxEntries = maxEntries;
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    const size = this.#sizeOf(key, value);
    if (this.#young.size >= this.#maxEntries || this.#youngSize + size > this.#maxSize) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    this.#young.set(key, value);
    this.#youngSize += size;
  }

  /** Entries of both generations; one may be in both. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
