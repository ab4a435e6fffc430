// Finds the end of a head in bytes that arrive in any pieces, so that what follows sees whole heads only.
import { CLASS, CR, LF, TOKEN } from "./characters.ts";
import { latin1 } from "./latin1.ts";
import { MessageError } from "./message-error.ts";

const END = "\r\n\r\n";
const END_BYTES: Buffer = Buffer.from(END);
/** So many bytes are cheaper read as text than looked through before. */
const USUAL_SIZE = 2 * 1024;

/**
 * After `read` has answered a position, `text` in [start, end) is the head up to the CRLF of its last line.
 * What is answered, and with which error, is a function of the bytes alone and never of how they were cut.
 */
export class HeadReader {
  text = "";
  start = 0;
  end = 0;
  /** A line was found that no parser may accept: the head ends with it, so that the parser says why. */
  faulty = false;
  readonly #maxSize: number;
  #held: Buffer | undefined;
  #size = 0;
  #checked = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Some bytes of a head have arrived, but not all; the empty line that is skipped is none of them. */
  get pending(): boolean {
    return this.#size > this.start;
  }

  /** Bytes that are kept of a head whose end has not come. */
  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  /**
   * Reads `chunk` from `from` on; answers the position behind the head, or -1 when more is needed.
   * One empty line before the head is skipped: RFC 9112 section 2.2.
   * @throws MessageError when the head grows past the limit
   */
  read(chunk: Buffer, from: number): number {
    if (this.#size === 0) {
      this.text = latin1(chunk, from, from + this.#worthReading(chunk, from));
      this.start = this.text.startsWith("\r\n") ? 2 : 0;
      const end = this.text.indexOf(END, this.start);
      if (end !== -1) {
        this.end = end + 2;
        return from + end + 4;
      }
    }
    return this.#hold(chunk, from);
  }

  /** How many bytes may be this head's: where many have come at once, most of them are other requests or a body. */
  #worthReading(chunk: Buffer, from: number): number {
    const available = Math.min(chunk.length - from, this.#maxSize);
    if (available <= USUAL_SIZE) return available;
    const end = chunk.indexOf(END_BYTES, from);
    return end === -1 ? available : Math.min(available, end + END.length - from);
  }

  /** Makes the reader ready for the next head. */
  reset(): void {
    this.text = "";
    this.faulty = false;
    this.#held = undefined;
    this.#size = 0;
    this.#checked = 0;
  }

  #hold(chunk: Buffer, from: number): number {
    const before = this.#size;
    const held = this.#append(chunk, from);
    this.start = this.#size >= 2 && held[0] === CR && held[1] === LF ? 2 : 0;
    const content = held.subarray(0, this.#size);
    const end = content.indexOf(END_BYTES, Math.max(this.start, before - 3));
    const fault = this.#findFault(content, end === -1 ? this.#size : end);
    if (fault !== -1) {
      this.faulty = true;
      this.text = latin1(content, 0, fault + 1);
      this.end = fault + 1;
      return chunk.length;
    }
    if (end !== -1) {
      this.text = latin1(content, 0, end + 4);
      this.end = end + 2;
      return from + (end + 4 - before);
    }
    if (this.#size === this.#maxSize) throw this.#tooLarge(content);
    return -1;
  }

  #append(chunk: Buffer, from: number): Buffer {
    const size = Math.min(this.#size + chunk.length - from, this.#maxSize);
    let held = this.#held;
    if (held === undefined || held.length < size) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(size, 2 * (held?.length ?? 256)), this.#maxSize));
      held?.copy(grown, 0, 0, this.#size);
      held = grown;
      this.#held = held;
    }
    chunk.copy(held, this.#size, from, from + size - this.#size);
    this.#size = size;
    return held;
  }

  /** Where a bare LF, a line that begins with a bare CR or a first byte of no name stands; a slow peer is told at once. */
  #findFault(content: Buffer, end: number): number {
    if (content.length === 0) return -1;
    const first = content[this.start];
    if (this.start === 0 && first === CR) return content.length > 1 ? 0 : -1;
    if (first !== undefined && ((CLASS[first] as number) & TOKEN) === 0) return this.start;
    for (let at = content.indexOf(LF, Math.max(this.#checked - 1, this.start)); at !== -1 && at < end; ) {
      if (content[at - 1] !== CR) return at;
      if (content[at + 1] === CR && at + 2 < content.length && content[at + 2] !== LF) return at + 1;
      at = content.indexOf(LF, at + 1);
    }
    this.#checked = Math.max(0, Math.min(end, content.length) - 2);
    return -1;
  }

  #tooLarge(content: Buffer): MessageError {
    return content.indexOf("\r\n", this.start) === -1
      ? new MessageError("target-too-long", `the first line is longer than ${this.#maxSize} bytes`)
      : new MessageError("head-too-large", `the head is longer than ${this.#maxSize} bytes`);
  }
}
