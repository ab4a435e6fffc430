// The bytes inside a sealed token: small, since every request carries them, and strict, since they must not drift.
import type { Hash64 } from "../hash64.ts";
import { hashText } from "../xxhash64.ts";
import { isAddressText, type Token, type TokenIdentity } from "./token.ts";

/**
 * | bytes      | what |
 * |------------|------|
 * | 1          | layout, 1 |
 * | 1          | flags, as below |
 * | 4          | mark of the backend |
 * | 6          | IPv4 address and port; or a text |
 * | 5          | when the session began |
 * | 5          | when it was last seen, if flagged |
 * | 5          | when it ends, if flagged |
 * | 16         | UID of the endpoint; or a text, its UID or hostname; if flagged |
 * | the rest   | the application's own value, if flagged |
 *
 * Numbers are big endian, times are unix seconds, a text is UTF-8 after its length in 2 bytes.
 */
const LAYOUT = 1;

const ADDRESS_IS_TEXT = 0x01;
const HAS_LAST_SEEN = 0x02;
const HAS_EXPIRY = 0x04;
/** Two bits: none, a UID of 16 bytes, a UID as text, a hostname. */
const IDENTITY = 0x18;
const UUID_IDENTITY = 0x08;
const UID_IDENTITY = 0x10;
const HOSTNAME_IDENTITY = 0x18;
const HAS_ORIGINAL = 0x20;
const ALL_FLAGS = ADDRESS_IS_TEXT | HAS_LAST_SEEN | HAS_EXPIRY | IDENTITY | HAS_ORIGINAL;

const MARK_SIZE = 4;
const TIME_SIZE = 5;
const LATEST_SEC = 2 ** (8 * TIME_SIZE) - 1;
const UUID_SIZE = 16;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/;

/** Tells the backends of a rule apart, of which several may have the same endpoint: 32 bits of the hash of the id. */
export function backendMark(backendId: string): number {
  hash.high = 0;
  hash.low = 0;
  hashText(backendId, hash);
  return hash.low >>> 0;
}

const hash: Hash64 = { high: 0, low: 0 };

export function encodeSealedLayout(token: Token): Buffer {
  const { identity, original } = token;
  const head = Buffer.alloc(2 + MARK_SIZE);
  const parts: Buffer[] = [head];
  let flags = 0;
  head.writeUInt32BE(token.backendMark ?? 0, 2);
  const ipv4 = ipv4Bytes(token.address);
  if (ipv4 === undefined) flags |= ADDRESS_IS_TEXT;
  parts.push(ipv4 ?? textBytes(token.address), timeBytes(token.begunSec));
  if (token.lastSeenSec !== 0) {
    flags |= HAS_LAST_SEEN;
    parts.push(timeBytes(token.lastSeenSec));
  }
  if (token.expiresSec !== 0) {
    flags |= HAS_EXPIRY;
    parts.push(timeBytes(token.expiresSec));
  }
  if (identity?.kind === "hostname") {
    flags |= HOSTNAME_IDENTITY;
    parts.push(textBytes(identity.value));
  } else if (identity !== undefined) {
    const isUuid = UUID.test(identity.value);
    flags |= isUuid ? UUID_IDENTITY : UID_IDENTITY;
    parts.push(isUuid ? Buffer.from(identity.value.replaceAll("-", ""), "hex") : textBytes(identity.value));
  }
  if (original !== undefined) {
    flags |= HAS_ORIGINAL;
    parts.push(Buffer.from(original, "latin1"));
  }
  head[0] = LAYOUT;
  head[1] = flags;
  return Buffer.concat(parts);
}

/** Undefined: another layout, or not one at all. */
export function decodeSealedLayout(plain: Uint8Array, keyId: string): Token | undefined {
  try {
    return read(new LayoutReader(plain), keyId);
  } catch (error) {
    // What opened was sealed by a Limpet: only one of another version can get here.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function read(bytes: LayoutReader, keyId: string): Token | undefined {
  if (bytes.number(1) !== LAYOUT) return undefined;
  const flags = bytes.number(1);
  if ((flags & ~ALL_FLAGS) !== 0) return undefined;
  const mark = bytes.number(MARK_SIZE);
  const address = (flags & ADDRESS_IS_TEXT) === 0 ? bytes.ipv4() : bytes.text();
  const begunSec = bytes.number(TIME_SIZE);
  const lastSeenSec = (flags & HAS_LAST_SEEN) === 0 ? 0 : bytes.number(TIME_SIZE);
  const expiresSec = (flags & HAS_EXPIRY) === 0 ? 0 : bytes.number(TIME_SIZE);
  const identity = readIdentity(bytes, flags & IDENTITY);
  const original = (flags & HAS_ORIGINAL) === 0 ? undefined : bytes.rest();
  if (!bytes.atEnd || !isAddressText(address)) return undefined;
  return { address, expiresSec, lastSeenSec, begunSec, identity, backendMark: mark, original, keyId };
}

function readIdentity(bytes: LayoutReader, form: number): TokenIdentity | undefined {
  switch (form) {
    case UUID_IDENTITY:
      return { kind: "uid", value: bytes.uuid() };
    case UID_IDENTITY:
      return { kind: "uid", value: bytes.text() };
    case HOSTNAME_IDENTITY:
      return { kind: "hostname", value: bytes.text() };
    default:
      return undefined;
  }
}

/** Throws a RangeError where the bytes end too early. */
class LayoutReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(plain: Uint8Array) {
    this.#bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: number): number {
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  ipv4(): string {
    return `${this.number(1)}.${this.number(1)}.${this.number(1)}.${this.number(1)}:${this.number(2)}`;
  }

  text(): string {
    return this.#take(this.number(2)).toString("utf8");
  }

  uuid(): string {
    const hex = this.#take(UUID_SIZE).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  rest(): string {
    return this.#take(this.#bytes.length - this.#at).toString("latin1");
  }

  #take(size: number): Buffer {
    if (size > this.#bytes.length - this.#at) throw new RangeError("the bytes of a token end too early");
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

/** Undefined: the text is no IPv4 address, or not the one that its bytes would read as. */
function ipv4Bytes(address: string): Buffer | undefined {
  const numbers = IPV4.exec(address)?.slice(1).map(Number);
  if (numbers === undefined || numbers.slice(0, 4).some((octet) => octet > 255)) return undefined;
  const port = numbers.pop() as number;
  if (port > 0xffff || `${numbers.join(".")}:${port}` !== address) return undefined;
  return Buffer.from([...numbers, port >> 8, port & 0xff]);
}

/** What a token in Envoy's format says can be later than any clock, and is written as the latest time there is. */
function timeBytes(seconds: number): Buffer {
  const bytes = Buffer.alloc(TIME_SIZE);
  bytes.writeUIntBE(Math.min(Math.max(seconds, 0), LATEST_SEC), 0, TIME_SIZE);
  return bytes;
}

function textBytes(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}
