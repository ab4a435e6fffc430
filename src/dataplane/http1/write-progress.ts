// Tells a slow reader from one that is stuck, or as good as: how many of the bytes that wait for the peer it takes.
import type { Socket } from "node:net";
import { Pace } from "./pace.ts";

interface Handle {
  readonly writeQueueSize?: number;
  readonly bytesWritten?: number;
  /** Of a handle that encrypts: the one below it, which knows what the kernel has taken. */
  readonly _parent?: Handle;
}

interface WithHandle {
  readonly _handle?: Handle | null;
}

export class WriteProgress {
  readonly #socket: Socket;
  readonly #pace = new Pace();
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
    return this.#handle?.writeQueueSize || this.#socket.writableLength;
  }

  /**
   * Bytes wait, and each time that this was asked for longer than the timeout their number was the same, or the peer
   * has taken fewer than `minRate` bytes a second in that time.
   */
  isStuck(nowMs: number, timeoutMs: number, minRate: number): boolean {
    const queued = this.queued;
    const last = this.#queued;
    this.#queued = queued;
    if (queued === 0 || last === 0) this.#pace.restart(this.#taken, nowMs);
    if (queued === 0 || queued !== last) {
      this.#sinceMs = nowMs;
      return queued > 0 && this.#pace.isTooSlow(this.#taken, nowMs, timeoutMs, minRate);
    }
    return nowMs - this.#sinceMs > timeoutMs;
  }

  /** Bytes that the kernel has taken over for the peer. */
  get #taken(): number {
    const handle = this.#handle;
    return (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0);
  }

  get #handle(): Handle | undefined {
    const handle = (this.#socket as WithHandle)._handle;
    return handle?._parent ?? handle ?? undefined;
  }
}
