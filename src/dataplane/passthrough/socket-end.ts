// A whole socket as one end of a tunnel, for connections that are bytes from beginning to end.
import type { Socket } from "node:net";
import { Outlet } from "../http1/outlet.ts";
import type { BytesReceiver } from "../http1/shared-reads.ts";
import { SocketTunnel } from "../http1/socket-tunnel.ts";
import { WriteProgress } from "../http1/write-progress.ts";

/** Its bytes come by the socket's `data` event, or by `receive`, or by the one and then the other. */
export class SocketEnd implements BytesReceiver {
  readonly tunnel: SocketTunnel;
  readonly #socket: Socket;
  readonly #progress: WriteProgress;

  /** @param byEvent false: by `receive` alone, although the socket may tell of them too */
  constructor(socket: Socket, byEvent = true) {
    this.#socket = socket;
    this.#progress = new WriteProgress(socket);
    this.tunnel = new SocketTunnel(socket, new Outlet(socket));
    if (byEvent) socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("drain", () => this.tunnel.drained());
    socket.on("end", () => this.tunnel.ended());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.tunnel.closed());
  }

  receive(chunk: Buffer): void {
    this.tunnel.receive(chunk);
  }

  get heldBytes(): number {
    return this.#socket.writableLength;
  }

  /** It takes none, or as good as none, of the bytes that wait for it. */
  isStuck(nowMs: number, timeoutMs: number, minRate: number): boolean {
    return this.#progress.isStuck(nowMs, timeoutMs, minRate);
  }
}
