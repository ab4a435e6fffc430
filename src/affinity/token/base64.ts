// Standard base64, as strict as Envoy: padding is required, no other character and no stray bit is accepted.

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 0xff;
const PADDING = "=".charCodeAt(0);

const SEXTETS = new Uint8Array(256).fill(INVALID);
for (let value = 0; value < CHARACTERS.length; value++) SEXTETS[CHARACTERS.charCodeAt(value)] = value;

function sextet(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 256 ? SEXTETS[code]! : INVALID;
}

/** Decodes into the front of `target` and answers the number of bytes, or -1 for what is no base64 or too long. */
export function decodeBase64(text: string, target: Uint8Array): number {
  const length = text.length;
  if (length % 4 !== 0) return -1;
  let padding = 0;
  if (length > 0 && text.charCodeAt(length - 1) === PADDING) {
    padding = text.charCodeAt(length - 2) === PADDING ? 2 : 1;
  }
  const size = (length / 4) * 3 - padding;
  if (size > target.length) return -1;
  let out = 0;
  for (let at = 0; at < length; at += 4) {
    const isLast = at + 4 === length;
    const third = isLast && padding === 2 ? 0 : sextet(text, at + 2);
    const fourth = isLast && padding > 0 ? 0 : sextet(text, at + 3);
    const first = sextet(text, at);
    const second = sextet(text, at + 1);
    if ((first | second | third | fourth) > 63) return -1;
    if (isLast && padding === 2 && (second & 0x0f) !== 0) return -1;
    if (isLast && padding === 1 && (third & 0x03) !== 0) return -1;
    const bits = (first << 18) | (second << 12) | (third << 6) | fourth;
    if (out < size) target[out++] = bits >>> 16;
    if (out < size) target[out++] = bits >>> 8;
    if (out < size) target[out++] = bits;
  }
  return size;
}

/** Base64 of latin1 text, one byte a character. */
export function encodeBase64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}

/** Latin1 text of base64, or undefined for what is no base64 or decodes to more than 5 KiB. */
export function decodeBase64Text(text: string): string | undefined {
  const size = decodeBase64(text, scratch);
  return size === -1 ? undefined : scratch.toString("latin1", 0, size);
}

/** Decoders are synchronous and copy out what they keep, so one buffer serves all of them. */
export const scratch: Buffer = Buffer.alloc(5 * 1024);
