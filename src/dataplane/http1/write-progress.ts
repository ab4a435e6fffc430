// Tells a slow reader from one that is stuck: whether bytes wait for the peer of a socket and it takes none.
import type { Socket } from "node:net";

interface WithHandle {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

export class WriteProgress {
  readonly #socket: Socket;
  #queued = 0;
  #sinceMs = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Bytes that wait. `writableLength` counts whole writes, and a slow reader may take longer than a timeout for one;
   * the handle's queue shrinks with every byte: net.Socket itself reads it so before it reports a timeout.
   */
  get queued(): number {
    if (this.#socket.writableLength === 0) return 0;
    return (this.#socket as WithHandle)._handle?.writeQueueSize || this.#socket.writableLength;
  }

  /** Bytes wait, and their number was the same each time that this was asked for longer than the timeout. */
  isStuck(nowMs: number, timeoutMs: number): boolean {
    const queued = this.queued;
    if (queued === 0 || queued !== this.#queued) {
      this.#queued = queued;
      this.#sinceMs = nowMs;
      return false;
    }
    return nowMs - this.#sinceMs > timeoutMs;
  }
}
