// Bytes of a client that are received and not consumed yet.

export class PendingInput {
  /** The bytes from `at` on wait; undefined: none do. */
  bytes: Buffer | undefined;
  at = 0;

  take(chunk: Buffer): void {
    this.bytes = this.bytes === undefined ? chunk : Buffer.concat([this.bytes.subarray(this.at), chunk]);
    this.at = 0;
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
