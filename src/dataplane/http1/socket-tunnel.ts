// One end of a tunnel after a 101: the raw bytes of a socket, in both directions.
import type { Socket } from "node:net";
import type { ErrorCode } from "../respond.ts";
import type { Tunnel } from "../stream.ts";
import type { Outlet } from "./outlet.ts";
import { askWhetherPeerLives } from "./vanished-peer.ts";
import { WriteProgress } from "./write-progress.ts";

/** Tunnels may be silent for long: a peer that vanished without a word is noticed after so much silence. */
export const SILENCE_MS = 60_000;

/** The connection feeds it; bytes that came before the splicer was ready wait for its handlers. */
export class SocketTunnel implements Tunnel {
  /** Set by the connection before it closes the socket for a reason of its own. */
  error: ErrorCode | undefined;
  readonly #socket: Socket;
  readonly #outlet: Outlet;
  #handlers: Tunnel["handlers"] = null;
  #early: Buffer[] = [];
  #started = false;
  #paused = false;
  #ended = false;
  #closed = false;

  constructor(socket: Socket, outlet: Outlet) {
    this.#socket = socket;
    this.#outlet = outlet;
    socket.pause();
    askWhetherPeerLives(socket, SILENCE_MS);
  }

  /** Asked while a tunnel ends, and so made when it is asked. */
  get waitingBytes(): number {
    return new WriteProgress(this.#socket).queued;
  }

  get handlers(): Tunnel["handlers"] {
    return this.#handlers;
  }

  /** Bytes begin to flow in the next turn, unless `pause` was called until then. */
  set handlers(handlers: Tunnel["handlers"]) {
    this.#handlers = handlers;
    if (!this.#started) {
      this.#started = true;
      process.nextTick(() => this.#release());
    }
  }

  write(chunk: Uint8Array): boolean {
    this.#outlet.bytes(chunk);
    return !this.#outlet.saturated;
  }

  end(): void {
    this.#outlet.flush();
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#handlers !== null) this.#release();
  }

  /** Called by the connection. The bytes are copied if they must wait. */
  receive(chunk: Buffer): void {
    if (this.#handlers !== null && !this.#paused && this.#early.length === 0) this.#handlers.onData(chunk);
    else this.#early.push(Buffer.from(chunk));
  }

  drained(): void {
    this.#handlers?.onDrain();
  }

  /** The peer sends no more. */
  ended(): void {
    this.#ended = true;
    this.#release();
  }

  closed(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    const handlers = this.#handlers;
    if (handlers === null) return;
    while (!this.#paused && this.#early.length > 0) handlers.onData(this.#early.shift() as Buffer);
    if (this.#early.length > 0 && !this.#closed) return;
    if (this.#ended) {
      this.#ended = false;
      handlers.onEnd();
    }
    if (this.#closed) {
      this.#closed = false;
      handlers.onClose(this.error);
    } else if (!this.#paused) this.#socket.resume();
  }
}
