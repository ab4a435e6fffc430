// Reads the server name out of a ClientHello before anything answers it: RFC 8446 section 4.1.2, RFC 6066 section 3.

/** Bytes of records that a ClientHello may take. Those of browsers, with post-quantum keys, are near 2 KiB. */
export const MAX_CLIENT_HELLO = 16 * 1024;

export type ClientHelloResult =
  | { readonly kind: "incomplete" }
  /** `serverName`: lower case; undefined: the client named none. */
  | { readonly kind: "hello"; readonly serverName: string | undefined }
  | { readonly kind: "malformed"; readonly problem: string };

const INCOMPLETE: ClientHelloResult = { kind: "incomplete" };

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const MAX_RECORD = 2 ** 14;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const MAX_HOST_NAME = 255;

/**
 * @param bytes all that has come since the connection was opened. Undone is the work of earlier calls each time, which
 * costs nothing to speak of: a ClientHello comes in one piece or two.
 */
export function readClientHello(bytes: Uint8Array): ClientHelloResult {
  try {
    const message = handshakeMessage(bytes);
    if (message !== undefined) return { kind: "hello", serverName: serverNameOf(new Cursor(message)) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: "malformed", problem: error.message };
    throw error;
  }
  if (bytes.length >= MAX_CLIENT_HELLO) return { kind: "malformed", problem: "the ClientHello is too large" };
  return INCOMPLETE;
}

class Malformed extends Error {}

/**
 * The body of the first handshake message, which may be spread over records; undefined: more bytes must come. What is
 * not the beginning of a ClientHello is said so with its first bytes.
 */
function handshakeMessage(bytes: Uint8Array): Uint8Array | undefined {
  let message: Uint8Array = bytes.subarray(0, 0);
  for (let at = 0; at < bytes.length; ) {
    checkRecordHeader(bytes, at);
    if (bytes.length < at + RECORD_HEADER) return undefined;
    const size = uint16(bytes, at + 3);
    if (size === 0 || size > MAX_RECORD) throw new Malformed("a record has a length that it may not have");
    at += RECORD_HEADER;
    const fragment = bytes.subarray(at, at + size);
    message = message.length === 0 ? fragment : Buffer.concat([message, fragment]);
    at += size;
    const whole = wholeMessage(message);
    if (whole !== undefined) {
      // A ClientHello must be the last message of its record.
      if (message.length > whole.length + HANDSHAKE_HEADER) {
        throw new Malformed("something follows the ClientHello in its record");
      }
      if (at <= bytes.length) return whole;
    }
  }
  return undefined;
}

function checkRecordHeader(bytes: Uint8Array, at: number): void {
  if (bytes[at] !== HANDSHAKE_RECORD) throw new Malformed("it does not begin with a handshake");
  const major = bytes[at + 1];
  if (major !== undefined && major !== 3) throw new Malformed("a record is of no known version");
}

function wholeMessage(message: Uint8Array): Uint8Array | undefined {
  if (message.length > 0 && message[0] !== CLIENT_HELLO) {
    throw new Malformed("the first message is no ClientHello");
  }
  if (message.length < HANDSHAKE_HEADER) return undefined;
  const size = ((message[1] as number) << 16) | uint16(message, 2);
  if (size > MAX_CLIENT_HELLO) throw new Malformed("the ClientHello is too large");
  const end = HANDSHAKE_HEADER + size;
  return message.length < end ? undefined : message.subarray(HANDSHAKE_HEADER, end);
}

function serverNameOf(hello: Cursor): string | undefined {
  // legacy_version and random
  hello.skip(2 + 32);
  // legacy_session_id, cipher_suites, legacy_compression_methods
  if (hello.vector8().length > 32) throw new Malformed("the session id is too long");
  const ciphers = hello.vector16().length;
  if (ciphers < 2 || ciphers % 2 !== 0) throw new Malformed("the cipher suites have a wrong length");
  if (hello.vector8().length === 0) throw new Malformed("there is no compression method");
  if (hello.atEnd) return undefined;
  const extensions = new Cursor(hello.vector16());
  if (!hello.atEnd) throw new Malformed("something follows the extensions");
  let serverName: string | undefined;
  while (!extensions.atEnd) {
    const type = extensions.uint16();
    const data = extensions.vector16();
    if (type !== SERVER_NAME) continue;
    if (serverName !== undefined) throw new Malformed("the server name comes twice");
    serverName = hostName(new Cursor(data));
  }
  return serverName;
}

/** Exactly one name, as every client sends it. */
function hostName(extension: Cursor): string {
  const list = new Cursor(extension.vector16());
  if (!extension.atEnd) throw new Malformed("something follows the list of server names");
  if (list.uint8() !== HOST_NAME) throw new Malformed("the server name is of an unknown type");
  const name = list.vector16();
  if (!list.atEnd) throw new Malformed("there is more than one server name");
  if (name.length === 0 || name.length > MAX_HOST_NAME)
    throw new Malformed("the server name has a wrong length");
  let text = "";
  for (const byte of name) text += nameCharacter(byte);
  return text;
}

/** Letters, digits, `-`, `.` and `_`: what can be in a host name, and colons, since some clients send an address. */
function nameCharacter(byte: number): string {
  const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  const isLetter = lower >= 0x61 && lower <= 0x7a;
  // 0x2d `-`, 0x2e `.`, 0x30 to 0x39 digits, 0x3a `:`, 0x5f `_`
  const isOther = (byte >= 0x30 && byte <= 0x3a) || byte === 0x2d || byte === 0x2e || byte === 0x5f;
  if (!isLetter && !isOther) throw new Malformed("the server name holds what no host name may");
  return String.fromCharCode(lower);
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Reads on from its place; what is not there is malformed. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(size: number): void {
    this.#take(size);
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  uint16(): number {
    return uint16(this.#bytes, this.#take(2));
  }

  /** A vector with its length in one byte before it. */
  vector8(): Uint8Array {
    return this.#vector(this.uint8());
  }

  /** A vector with its length in two bytes before it. */
  vector16(): Uint8Array {
    return this.#vector(this.uint16());
  }

  #vector(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  /** Where the bytes begin that the cursor moves over. */
  #take(size: number): number {
    const start = this.#at;
    if (start + size > this.#bytes.length) throw new Malformed("a length points past the end");
    this.#at = start + size;
    return start;
  }
}
