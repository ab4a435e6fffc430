// Accepts clients so that the reads of all of them land in one buffer: no read allocates, no idle client holds memory for it.
import { type Server, Socket, type SocketConstructorOpts } from "node:net";
import { READ_BUFFER } from "./read-buffer.ts";

/** Takes bytes that are valid during the call only. */
export interface BytesReceiver {
  receive(chunk: Buffer): void;
}

/** The part of a listening handle of Node.js that tells of a client; see `acceptWithSharedReads`. */
interface ListeningHandle {
  onconnection?: (status: number, client: object | undefined) => void;
}

/**
 * Has a listening server hand its clients over by `onSocket` instead of its `connection` event, which it leaves to
 * failures; false, and nothing changes, where Node.js is built differently. `onread` is a documented option of sockets
 * that connect; a server offers it to those that it accepts in no documented way.
 * @param onSocket undefined: the client was turned away
 */
export function acceptWithSharedReads(
  server: Server,
  onSocket: (socket: Socket) => BytesReceiver | undefined,
): boolean {
  const handle = (server as unknown as { readonly _handle?: ListeningHandle | null })._handle;
  const ordinary = handle?.onconnection;
  if (handle === null || handle === undefined || typeof ordinary !== "function") return false;
  handle.onconnection = (status, client) => {
    if (status !== 0 || client === undefined) {
      ordinary.call(handle, status, client);
      return;
    }
    let receiver: BytesReceiver | undefined;
    const options = {
      handle: client,
      allowHalfOpen: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (size: number) => {
          receiver?.receive(READ_BUFFER.subarray(0, size));
          return true;
        },
      },
    };
    receiver = onSocket(new Socket(options as unknown as SocketConstructorOpts));
  };
  return true;
}
