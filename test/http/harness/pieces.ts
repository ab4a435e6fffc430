// Writes bytes in one go or piece by piece: where a message is cut must not matter.
import type { Socket } from "node:net";

/** A long message is cut into so many pieces at most. */
const MAX_PIECES = 64;

/** @param pieceSize bytes; 0: all at once. Resolves when the last piece is handed over or the socket is gone. */
export async function writePieces(socket: Socket, bytes: string, pieceSize: number): Promise<void> {
  const size = pieceSize === 0 ? bytes.length : Math.max(pieceSize, Math.ceil(bytes.length / MAX_PIECES));
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    socket.write(bytes.slice(at, at + size), "latin1");
  }
}
