// The token in Envoy's session cookie: base64 of the protobuf `envoy.Cookie`, with three more fields that Envoy skips.
import { decodeBase64, scratch } from "./base64.ts";
import { addressToken, isAddressText, MAX_TOKEN_CHARACTERS, type Token, type TokenFormat } from "./token.ts";

/** `string address = 1; uint64 expires = 2`; 13 to 15 are Limpet's. */
const ADDRESS_FIELD = 1;
const EXPIRES_FIELD = 2;
const ORIGINAL_FIELD = 13;
const LAST_SEEN_FIELD = 14;
const BEGUN_FIELD = 15;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const MAX_VARINT_BYTES = 10;

/**
 * Envoy 1.40's bytes where a token has an address and an expiry alone. Reading takes the older form too, the base64
 * of `ip:port`, and tries it first: the text of some IPv4 addresses happens to parse as a protobuf without an
 * address, while no protobuf with an address is printable (its tag is a line feed).
 */
export const envoyCookieFormat: TokenFormat = {
  encode(token) {
    const bytes: number[] = [];
    pushText(bytes, ADDRESS_FIELD, token.address);
    pushField(bytes, EXPIRES_FIELD, token.expiresSec);
    if (token.original !== undefined) pushText(bytes, ORIGINAL_FIELD, token.original);
    pushField(bytes, LAST_SEEN_FIELD, token.lastSeenSec);
    pushField(bytes, BEGUN_FIELD, token.begunSec);
    return Buffer.from(bytes).toString("base64");
  },

  decode(text) {
    return text.length > MAX_TOKEN_CHARACTERS ? undefined : decode(text);
  },
};

/**
 * The same with the application's own value, where Envoy's envelope cannot be used: its semicolon would end a cookie,
 * and it has no place for times. As long as 5 KiB of bytes.
 */
export const wrappingCookieFormat: TokenFormat = { encode: envoyCookieFormat.encode, decode };

function decode(text: string): Token | undefined {
  const size = decodeBase64(text, scratch);
  if (size <= 0) return undefined;
  if (scratch[0] !== ADDRESS_FIELD * 8 + BYTES) {
    const address = scratch.toString("latin1", 0, size);
    if (isAddressText(address)) return addressToken(address);
  }
  return readProtobuf(scratch, size);
}

/** Latin1. */
function pushText(bytes: number[], field: number, text: string): void {
  bytes.push(field * 8 + BYTES);
  pushVarint(bytes, text.length);
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
}

function pushField(bytes: number[], field: number, value: number): void {
  if (value === 0) return;
  bytes.push(field * 8 + VARINT);
  pushVarint(bytes, value);
}

function pushVarint(bytes: number[], value: number): void {
  while (value >= 0x80) {
    bytes.push((value % 0x80) + 0x80);
    value = Math.floor(value / 0x80);
  }
  bytes.push(value);
}

/** Where `readVarint` stopped; -1 where the bytes end too early or the number is too long. */
let end = 0;

/** An unsigned 64-bit number; above 2^53 the nearest double, which is later than any clock. */
function readVarint(bytes: Uint8Array, from: number, size: number): number {
  let value = 0;
  let factor = 1;
  for (let at = from; at < size && at < from + MAX_VARINT_BYTES; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      end = at + 1;
      return value;
    }
    factor *= 0x80;
  }
  end = -1;
  return 0;
}

/** The last occurrence of a field counts, unknown fields are skipped, as protobuf demands. */
function readProtobuf(bytes: Buffer, size: number): Token | undefined {
  let address = "";
  let expiresSec = 0;
  let lastSeenSec = 0;
  let begunSec = 0;
  let original: string | undefined;
  for (let at = 0; at < size; at = end) {
    const tag = readVarint(bytes, at, size);
    const field = Math.floor(tag / 8);
    if (end === -1 || field === 0) return undefined;
    const wireType = tag % 8;
    if (wireType === VARINT) {
      const value = readVarint(bytes, end, size);
      if (end === -1) return undefined;
      if (field === EXPIRES_FIELD) expiresSec = value;
      else if (field === LAST_SEEN_FIELD) lastSeenSec = value;
      else if (field === BEGUN_FIELD) begunSec = value;
    } else if (wireType === BYTES) {
      const length = readVarint(bytes, end, size);
      if (end === -1 || length > size - end) return undefined;
      if (field === ADDRESS_FIELD) address = bytes.toString("latin1", end, end + length);
      else if (field === ORIGINAL_FIELD) original = bytes.toString("latin1", end, end + length);
      end += length;
    } else if (wireType === FIXED64 || wireType === FIXED32) {
      end += wireType === FIXED64 ? 8 : 4;
      if (end > size) return undefined;
    } else {
      return undefined;
    }
  }
  return address === "" ? undefined : { address, expiresSec, lastSeenSec, begunSec, original };
}
