// How many bytes still wait for the peer of a socket, so that a slow reader can be told from one that is stuck.
import type { Socket } from "node:net";

interface WithHandle {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * `writableLength` counts whole writes, and a slow reader may take longer than a timeout for one; the handle's queue
 * shrinks with every byte. net.Socket itself reads it that way before it reports a timeout.
 */
export function queueSize(socket: Socket): number {
  if (socket.writableLength === 0) return 0;
  return (socket as WithHandle)._handle?.writeQueueSize || socket.writableLength;
}
