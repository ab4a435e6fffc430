// Counts by key what session tokens are opened with: whoever rotates keys learns from it when an old one may go.
import type { OpenedText, SessionKeys } from "../affinity/token/session-keys.ts";

/** Outlives the keys that it counts for. */
export class OpenedTokens {
  readonly byKey = new Map<string, { count: number }>();

  count(keyId: string): void {
    const entry = this.byKey.get(keyId);
    if (entry === undefined) this.byKey.set(keyId, { count: 1 });
    else entry.count += 1;
  }
}

export class CountedKeys implements SessionKeys {
  readonly #keys: SessionKeys;
  readonly #opened: OpenedTokens;

  constructor(keys: SessionKeys, opened: OpenedTokens) {
    this.#keys = keys;
    this.#opened = opened;
  }

  get keyIds(): readonly string[] {
    return this.#keys.keyIds;
  }

  seal(plain: Uint8Array, scope: string): string {
    return this.#keys.seal(plain, scope);
  }

  open(text: string, scope: string): OpenedText | undefined {
    const opened = this.#keys.open(text, scope);
    if (opened !== undefined) this.#opened.count(opened.keyId);
    return opened;
  }
}
