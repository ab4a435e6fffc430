// A socket without a network: tests deliver bytes to the codec in the pieces they like and read what it sends.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** What a connection uses of `net.Socket`; use `socketOf` to hand it over. */
export class MemorySocket extends Duplex {
  readonly remoteAddress = "::ffff:192.0.2.7";
  readonly remotePort = 40_000;
  readonly localAddress = "2001:db8::1";
  readonly localPort = 80;
  /** Everything written so far, latin1, and in how many writes. */
  sent = "";
  writes = 0;
  /** The connection was torn down in a way that the peer notices. */
  wasReset = false;
  /** While true the peer takes no byte. */
  stuck = false;
  #blocked: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.sent += chunk.toString("latin1");
    this.writes += 1;
    if (this.stuck) this.#blocked = done;
    else done();
  }

  /** The peer takes bytes again. */
  unblock(): void {
    this.stuck = false;
    const done = this.#blocked;
    this.#blocked = undefined;
    done?.();
  }

  /** Bytes arrive, at once and in this piece. */
  deliver(bytes: string): void {
    if (!this.destroyed) this.emit("data", Buffer.from(bytes, "latin1"));
  }

  /** The peer sends no more. */
  hangUp(): void {
    if (!this.destroyed) this.emit("end");
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  resetAndDestroy(): this {
    this.wasReset = true;
    return this.destroy();
  }
}

export function socketOf(socket: MemorySocket): Socket {
  return socket as unknown as Socket;
}

/** Lets everything happen that waits for no byte and no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
