// Gathers what one turn of the event loop sends on a socket, so that a head and a small body are one system call.
import type { Socket } from "node:net";
import { latin1 } from "./latin1.ts";
import { READ_BUFFER } from "./read-buffer.ts";

/** Chunks up to this size join the text that waits; larger ones are copied once into a block of their own. */
const SMALL = 8 * 1024;
/** So much text waits at most before it is written. */
const FULL = 16 * 1024;

/** One read of a socket, with the text that waits before it. */
const BLOCK_SIZE: number = READ_BUFFER.length + 32 * 1024;

/**
 * Large chunks are copied here on their way out. The kernel mostly takes a block at once, and then it serves for the
 * next chunk of any connection; a block that a socket still holds is left to that socket.
 */
let spareBlock: Buffer | undefined;

/**
 * Flushed together, when all that has arrived is worked through: writes that follow each other closely wake a process
 * at the other end once, where each by itself wakes it anew, which costs as much again as the write.
 */
const waiting: Outlet[] = [];
function flushWaiting(): void {
  for (const outlet of waiting) outlet.flush();
  waiting.length = 0;
}

/** Everything that goes out on one connection; latin1 text is its currency, since heads are text. */
export class Outlet {
  readonly #socket: Socket;
  #text = "";
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The peer is slower than we are: a `drain` of the socket will follow. */
  get saturated(): boolean {
    return this.#socket.writableNeedDrain;
  }

  text(text: string): void {
    this.#text += text;
    if (this.#text.length >= FULL) this.flush();
    else this.#schedule();
  }

  /** Sends `before`, the bytes and `after`. The bytes are copied before this returns. */
  bytes(chunk: Uint8Array, before = "", after = ""): void {
    if (chunk.length <= SMALL) {
      this.text(before + latin1(chunk, 0, chunk.length) + after);
      return;
    }
    const head = this.#text + before;
    this.#text = "";
    const size = head.length + chunk.length + after.length;
    const isUsual = size <= BLOCK_SIZE;
    if (isUsual) spareBlock ??= Buffer.allocUnsafeSlow(BLOCK_SIZE);
    const block = isUsual && spareBlock !== undefined ? spareBlock : Buffer.allocUnsafeSlow(size);
    block.write(head, 0, "latin1");
    block.set(chunk, head.length);
    block.write(after, head.length + chunk.length, "latin1");
    this.#write(block.subarray(0, size));
    if (isUsual && this.#socket.writableLength > 0) spareBlock = undefined;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#write(text);
  }

  #write(data: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(data as string, "latin1");
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (waiting.push(this) === 1) setImmediate(flushWaiting);
  }
}
