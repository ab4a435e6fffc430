// Bytes of a client that are received and not consumed yet.

export class PendingInput {
  /** The bytes from `at` on wait; undefined: none do. */
  bytes: Buffer | undefined;
  at = 0;
  /** The bytes lie in the buffer that the next read of any socket overwrites. */
  #borrowed = false;

  /** The bytes are valid until `keep` copies what is left of them. */
  take(chunk: Buffer): void {
    this.#borrowed = this.bytes === undefined;
    this.bytes = this.bytes === undefined ? chunk : Buffer.concat([this.bytes.subarray(this.at), chunk]);
    this.at = 0;
  }

  keep(): void {
    if (this.#borrowed && this.bytes !== undefined) {
      this.bytes = Buffer.from(this.bytes.subarray(this.at));
      this.at = 0;
    }
    this.#borrowed = false;
  }

  /** Everything before this position is consumed. */
  advance(to: number): void {
    this.at = to;
    if (this.bytes !== undefined && to >= this.bytes.length) this.clear();
  }

  clear(): void {
    this.bytes = undefined;
    this.at = 0;
  }
}
