// The line before each chunk: size and extensions, one byte at a time; RFC 9112 section 7.1.
import { CLASS, CR, HEX, HTAB, LF, TOKEN } from "./characters.ts";
import { malformed } from "./message-error.ts";

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Hexadecimal digits of a size: more cannot be exact in a double, and leading zeros are no reason for more. */
const MAX_DIGITS = 13;
/** Bytes of extensions in a whole body: they mean nothing to a gateway, and cost it a byte loop. */
export const MAX_EXTENSION_SIZE = 16 * 1024;

type State =
  | "size"
  | "extension-name-start"
  | "extension-name"
  | "extension-value-start"
  | "extension-token"
  | "extension-quoted"
  | "extension-escape"
  | "extension-value-end"
  | "line-feed";

/**
 * Whitespace around `;` and `=` is refused although RFC 9112 asks recipients to bear it: no sender needs it, and
 * parsers disagree about it.
 */
export class ChunkLine {
  /** Bytes of the chunk, once `push` has answered true. */
  size = 0;
  #digits = 0;
  #state: State = "size";
  #extensionSize = 0;

  /** Makes ready for another body. */
  reset(): void {
    this.next();
    this.#extensionSize = 0;
  }

  /** Makes ready for the next chunk of the same body. */
  next(): void {
    this.size = 0;
    this.#digits = 0;
    this.#state = "size";
  }

  /** Takes one byte; true: it was the last of the line. @throws MessageError when it cannot stand there */
  push(byte: number): boolean {
    if (this.#state === "size") {
      if (((CLASS[byte] as number) & HEX) !== 0) this.#addDigit(byte);
      else this.#endPart(byte, this.#digits > 0);
      return false;
    }
    if (this.#state === "line-feed") {
      if (byte !== LF) throw malformed("a chunk line does not end with CRLF");
      return true;
    }
    this.#extensionSize += 1;
    if (this.#extensionSize > MAX_EXTENSION_SIZE) {
      throw malformed("chunk extensions are too long");
    }
    this.#pushExtension(byte);
    return false;
  }

  #addDigit(byte: number): void {
    this.#digits += 1;
    if (this.#digits > MAX_DIGITS) throw malformed("a chunk size is too long");
    const value = byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57;
    this.size = this.size * 16 + value;
  }

  #pushExtension(byte: number): void {
    const isToken = ((CLASS[byte] as number) & TOKEN) !== 0;
    switch (this.#state) {
      case "extension-name-start":
        if (!isToken) throw malformed("a chunk extension has no name");
        this.#state = "extension-name";
        return;
      case "extension-name":
        if (byte === EQUALS) this.#state = "extension-value-start";
        else if (!isToken) this.#endPart(byte, true);
        return;
      case "extension-value-start":
        if (byte === QUOTE) this.#state = "extension-quoted";
        else if (isToken) this.#state = "extension-token";
        else throw malformed("a chunk extension has no value");
        return;
      case "extension-token":
        if (!isToken) this.#endPart(byte, true);
        return;
      case "extension-quoted":
        if (byte === QUOTE) this.#state = "extension-value-end";
        else if (byte === BACKSLASH) this.#state = "extension-escape";
        else requireText(byte);
        return;
      case "extension-escape":
        requireText(byte);
        this.#state = "extension-quoted";
        return;
      default:
        this.#endPart(byte, true);
    }
  }

  #endPart(byte: number, allowed: boolean): void {
    if (allowed && byte === CR) this.#state = "line-feed";
    else if (allowed && byte === SEMICOLON) this.#state = "extension-name-start";
    else throw malformed("a chunk line is malformed");
  }
}

function requireText(byte: number): void {
  if ((byte < 0x20 && byte !== HTAB) || byte === 0x7f)
    throw malformed("a chunk extension holds a control character");
}
