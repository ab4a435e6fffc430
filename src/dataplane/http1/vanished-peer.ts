// Finds out that a peer is gone although nothing arrives from it any more: no bytes, no end, no error.
import type { Socket } from "node:net";

interface WithHandle {
  readonly _handle?: { getpeername?(out: object): number } | null;
}

/** Has the kernel ask the peer after so much silence; ten questions a second apart without an answer end the connection. */
export function askWhetherPeerLives(socket: Socket, silenceMs: number): void {
  socket.setKeepAlive(true, silenceMs);
}

/**
 * The connection was reset. Needed once the peer has ended its side: from then on Node.js reads no more, and would learn
 * of a reset with the next write only. The kernel knows no peer of a connection that was reset.
 */
export function wasReset(socket: Socket): boolean {
  const handle = (socket as WithHandle)._handle;
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0;
}
