// 64-bit unsigned numbers as two 32-bit halves: the arithmetic that hashing needs without BigInt.

/** Both halves hold 32 bits as a signed number, so that V8 keeps them as small integers. */
export interface Hash64 {
  high: number;
  low: number;
}

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
export function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** 1 if adding `addend` to an unsigned 32-bit number wrapped around to `sum`, else 0. */
export function carryOf(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}

/** Remainder of an unsigned 64-bit number by a whole number below 2^37, exact: no product here leaves 2^53. */
export function remainder64(high: number, low: number, divisor: number): number {
  const top = (high >>> 0) % divisor;
  const middle = top * 0x10000 + (low >>> 16);
  const rest = middle - Math.floor(middle / divisor) * divisor;
  const bottom = rest * 0x10000 + (low & 0xffff);
  return bottom - Math.floor(bottom / divisor) * divisor;
}

/** Sixteen lower-case digits, zero padded: how Envoy prints a hash. */
export function hex64(hash: Hash64): string {
  return hex32(hash.high) + hex32(hash.low);
}

/** Two digits for each byte: `toString(16)` of a number past the small integers divides doubles. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex32(half: number): string {
  return `${HEX[half >>> 24]}${HEX[(half >>> 16) & 255]}${HEX[(half >>> 8) & 255]}${HEX[half & 255]}`;
}

export function toBigInt(hash: Hash64): bigint {
  return (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
}

export function fromBigInt(value: bigint): Hash64 {
  return { high: Number((value >> 32n) & 0xffffffffn) | 0, low: Number(value & 0xffffffffn) | 0 };
}

/** 64 random bits from a source that is uniform in [0, 1). */
export function randomHash(random: () => number, hash: Hash64): void {
  hash.high = Math.floor(random() * 0x1_0000_0000) | 0;
  hash.low = Math.floor(random() * 0x1_0000_0000) | 0;
}
