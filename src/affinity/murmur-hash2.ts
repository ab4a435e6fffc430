// MurmurHash2, 64 bits, in the form of libstdc++'s std::hash: the other hash that Envoy offers for ring positions.
import { type Hash64, multiplyHigh } from "./hash64.ts";

const M_HIGH = 0xc6a4a793 | 0;
const M_LOW = 0x5bd1e995;
/** The seed of std::hash and of Envoy (`source/common/common/hash.cc`). */
const SEED_LOW = 0xc70f6907 | 0;

function times(hash: Hash64): void {
  const low = hash.low;
  hash.low = Math.imul(low, M_LOW);
  hash.high = (multiplyHigh(low, M_LOW) + Math.imul(hash.high, M_LOW) + Math.imul(low, M_HIGH)) | 0;
}

/** Up to four little-endian bytes of latin1 text, from `at` to before `end`. */
function bytes(text: string, at: number, end: number): number {
  let value = 0;
  for (let shift = 0; at < end && shift < 32; at++, shift += 8) {
    value |= (text.charCodeAt(at) & 0xff) << shift;
  }
  return value;
}

const block: Hash64 = { high: 0, low: 0 };

/** Hashes latin1 text, one byte a character, and leaves the result in `hash`, whatever was in it. */
export function murmurText(text: string, hash: Hash64): void {
  const length = text.length;
  const aligned = length & ~7;
  hash.high = 0;
  hash.low = length;
  times(hash);
  hash.low ^= SEED_LOW;
  for (let at = 0; at < aligned; at += 8) {
    block.low = bytes(text, at, at + 4);
    block.high = bytes(text, at + 4, at + 8);
    times(block);
    block.low ^= block.high >>> 15;
    times(block);
    hash.high ^= block.high;
    hash.low ^= block.low;
    times(hash);
  }
  if (aligned < length) {
    hash.low ^= bytes(text, aligned, length);
    hash.high ^= bytes(text, aligned + 4, length);
    times(hash);
  }
  hash.low ^= hash.high >>> 15;
  times(hash);
  hash.low ^= hash.high >>> 15;
}
