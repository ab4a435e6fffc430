// A map from text to values that is asked with a stretch of a longer text, so that a lookup makes no substring.

/** Start value of the hash that `hashStep` continues, one UTF-16 unit at a time. */
export const HASH_START = 0x811c9dc5 | 0;

/** One step of 32-bit FNV-1a: callers hash while they walk, and ask at every border on their way. */
export function hashStep(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

interface Entry<T> {
  readonly key: string;
  readonly value: T;
  /** Another key of the same hash. */
  readonly next: Entry<T> | undefined;
}

/** Only configuration puts keys in, so no request can lengthen a chain of equal hashes. */
export class TextTable<T> {
  /** Length of the longest key: no need to walk further. -1: the table is empty. */
  longest = -1;
  /** Made with the first key: most hostnames have no exact path, and there may be thousands of hostnames. */
  #entries: Map<number, Entry<T>> | undefined;

  /** `hash` is the hash of `key` in the direction in which its reader walks; `key` must be new. */
  add(hash: number, key: string, value: T): void {
    this.#entries ??= new Map();
    this.#entries.set(hash, { key, value, next: this.#entries.get(hash) });
    this.longest = Math.max(this.longest, key.length);
  }

  /** The value of the key that equals `text` from `start` to `end` (exclusive). */
  get(hash: number, text: string, start: number, end: number): T | undefined {
    let entry = this.#entries?.get(hash);
    while (entry !== undefined) {
      if (entry.key.length === end - start && text.startsWith(entry.key, start)) return entry.value;
      entry = entry.next;
    }
    return undefined;
  }
}
