// Splices two byte tunnels after an upgrade: both ways with back-pressure, until they end or both fall silent.
import type { ErrorCode } from "./respond.ts";
import type { BodyChunk, Tunnel } from "./stream.ts";

/** How long the side that is left may take to close once it has the last bytes. */
export const LINGER_MS = 5_000;
/** How long it may take none of them: they go in large pieces, which are far apart where somebody is slow. */
export const LAST_BYTES_MS = 60_000;

/** Told once, when both sides are closed. */
export interface SpliceOwner {
  onSpliceClosed(splice: Splice): void;
}

/** To be swept now and then, so that silence ends it. */
export class Splice {
  /** Bytes from the client and to the client. */
  bytesIn = 0;
  bytesOut = 0;
  /** What ended it, where that is neither side's wish. */
  error: ErrorCode | undefined;
  readonly #client: Tunnel;
  readonly #endpoint: Tunnel;
  readonly #owner: SpliceOwner;
  readonly #timeoutMs: number;
  #spoke = true;
  #silentSinceMs = 0;
  #closedSides = 0;
  /** The side that is left, once the other is gone. */
  #left: Tunnel | undefined;
  /** What it had not taken when it was looked at last. */
  #waitingBytes = 0;

  constructor(client: Tunnel, endpoint: Tunnel, owner: SpliceOwner, timeoutMs: number) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#owner = owner;
    this.#timeoutMs = timeoutMs;
    client.handlers = new Direction(this, client, endpoint);
    endpoint.handlers = new Direction(this, endpoint, client);
  }

  sweep(nowMs: number): void {
    const waitingBytes = this.#left?.waitingBytes ?? 0;
    if (waitingBytes !== this.#waitingBytes) this.#spoke = true;
    this.#waitingBytes = waitingBytes;
    if (this.#spoke) {
      this.#spoke = false;
      this.#silentSinceMs = nowMs;
      return;
    }
    const limitMs = this.#left === undefined ? this.#timeoutMs : waitingBytes > 0 ? LAST_BYTES_MS : LINGER_MS;
    if (nowMs - this.#silentSinceMs < limitMs) return;
    if (this.#left === undefined) this.error ??= "tunnel-timeout";
    this.close();
  }

  close(): void {
    this.#client.destroy();
    this.#endpoint.destroy();
  }

  /** A direction passed bytes on. False: they are for nobody, and are no sign of life. */
  count(from: Tunnel, size: number): boolean {
    if (this.#closedSides > 0) return false;
    this.#spoke = true;
    if (from === this.#client) this.bytesIn += size;
    else this.bytesOut += size;
    return true;
  }

  /** `ended`: it said goodbye first, so the other side gets its last bytes before it is closed. */
  sideClosed(other: Tunnel, ended: boolean, error: ErrorCode | undefined): void {
    this.#closedSides += 1;
    this.#left = other;
    this.#waitingBytes = other.waitingBytes;
    this.error ??= error;
    this.#spoke = true;
    if (this.#closedSides === 2) this.#owner.onSpliceClosed(this);
    else if (!ended) other.destroy();
  }
}

/** What one side says, on its way to the other. */
class Direction {
  readonly #splice: Splice;
  readonly #from: Tunnel;
  readonly #to: Tunnel;
  #ended = false;

  constructor(splice: Splice, from: Tunnel, to: Tunnel) {
    this.#splice = splice;
    this.#from = from;
    this.#to = to;
  }

  onData(chunk: BodyChunk): void {
    if (this.#splice.count(this.#from, chunk.length) && !this.#to.write(chunk)) this.#from.pause();
  }

  /** This side takes bytes again, so the other may speak on. */
  onDrain(): void {
    this.#to.resume();
  }

  onEnd(): void {
    this.#ended = true;
    this.#to.end();
  }

  onClose(error?: ErrorCode): void {
    this.#splice.sideClosed(this.#to, this.#ended, error);
  }
}
