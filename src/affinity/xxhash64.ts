// xxHash64 (XXH64) over latin1 text in 32-bit halves: the hash of keys, rings and tables, as in Envoy.
import { carryOf, type Hash64, multiplyHigh } from "./hash64.ts";

const P1_HIGH = 0x9e3779b1 | 0;
const P1_LOW = 0x85ebca87 | 0;
const P2_HIGH = 0xc2b2ae3d | 0;
const P2_LOW = 0x27d4eb4f | 0;
const P3_HIGH = 0x165667b1 | 0;
const P3_LOW = 0x9e3779f9 | 0;
const P4_HIGH = 0x85ebca77 | 0;
const P4_LOW = 0xc2b2ae63 | 0;
const P5_HIGH = 0x27d4eb2f | 0;
const P5_LOW = 0x165667c5 | 0;

const STRIPE_BYTES = 32;

/** The lane that the last call of `mixLane` left; halves apart, so that nothing is allocated. */
const lane: Hash64 = { high: 0, low: 0 };

/** Four little-endian bytes of latin1 text. */
function word(text: string, at: number): number {
  return (
    (text.charCodeAt(at) & 0xff) |
    ((text.charCodeAt(at + 1) & 0xff) << 8) |
    ((text.charCodeAt(at + 2) & 0xff) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/** One XXH64 round: `rotl31(accumulator + input * P2) * P1`, left in `lane`. */
function mixLane(high: number, low: number, inputHigh: number, inputLow: number): void {
  const productLow = Math.imul(inputLow, P2_LOW);
  const productHigh =
    multiplyHigh(inputLow, P2_LOW) + Math.imul(inputHigh, P2_LOW) + Math.imul(inputLow, P2_HIGH);
  const sumLow = (low + productLow) | 0;
  const sumHigh = (high + productHigh + carryOf(sumLow, productLow)) | 0;
  const turnedHigh = (sumHigh << 31) | (sumLow >>> 1);
  const turnedLow = (sumLow << 31) | (sumHigh >>> 1);
  lane.low = Math.imul(turnedLow, P1_LOW);
  lane.high =
    (multiplyHigh(turnedLow, P1_LOW) + Math.imul(turnedHigh, P1_LOW) + Math.imul(turnedLow, P1_HIGH)) | 0;
}

/** Where the last call of `hashStripes` stopped reading. */
let stripesEnd = 0;

/** The bulk of texts of 32 bytes and more: four lanes side by side. Leaves the merged hash in `hash`. */
function hashStripes(text: string, hash: Hash64): void {
  const seedHigh = hash.high;
  const seedLow = hash.low;
  let low1 = (seedLow + P2_LOW) | 0;
  let high1 = (seedHigh + P2_HIGH + carryOf(low1, P2_LOW)) | 0;
  const shiftedLow = low1;
  low1 = (low1 + P1_LOW) | 0;
  high1 = (high1 + P1_HIGH + carryOf(low1, P1_LOW)) | 0;
  let low2 = shiftedLow;
  let high2 = (seedHigh + P2_HIGH + carryOf(shiftedLow, P2_LOW)) | 0;
  let low3 = seedLow;
  let high3 = seedHigh;
  let low4 = (seedLow - P1_LOW) | 0;
  let high4 = (seedHigh - P1_HIGH - (seedLow >>> 0 < P1_LOW >>> 0 ? 1 : 0)) | 0;
  let at = 0;
  for (const last = text.length - STRIPE_BYTES; at <= last; at += STRIPE_BYTES) {
    mixLane(high1, low1, word(text, at + 4), word(text, at));
    high1 = lane.high;
    low1 = lane.low;
    mixLane(high2, low2, word(text, at + 12), word(text, at + 8));
    high2 = lane.high;
    low2 = lane.low;
    mixLane(high3, low3, word(text, at + 20), word(text, at + 16));
    high3 = lane.high;
    low3 = lane.low;
    mixLane(high4, low4, word(text, at + 28), word(text, at + 24));
    high4 = lane.high;
    low4 = lane.low;
  }
  stripesEnd = at;
  let low = (low1 << 1) | (high1 >>> 31);
  let high = (high1 << 1) | (low1 >>> 31);
  let term = (low2 << 7) | (high2 >>> 25);
  low = (low + term) | 0;
  high = (high + ((high2 << 7) | (low2 >>> 25)) + carryOf(low, term)) | 0;
  term = (low3 << 12) | (high3 >>> 20);
  low = (low + term) | 0;
  high = (high + ((high3 << 12) | (low3 >>> 20)) + carryOf(low, term)) | 0;
  term = (low4 << 18) | (high4 >>> 14);
  low = (low + term) | 0;
  high = (high + ((high4 << 18) | (low4 >>> 14)) + carryOf(low, term)) | 0;
  hash.high = high;
  hash.low = low;
  mergeLane(hash, high1, low1);
  mergeLane(hash, high2, low2);
  mergeLane(hash, high3, low3);
  mergeLane(hash, high4, low4);
}

/** `(hash xor round(0, lane)) * P1 + P4`. */
function mergeLane(hash: Hash64, laneHigh: number, laneLow: number): void {
  mixLane(0, 0, laneHigh, laneLow);
  timesP1PlusP4(hash, hash.high ^ lane.high, hash.low ^ lane.low);
}

function timesP1PlusP4(hash: Hash64, high: number, low: number): void {
  const product = Math.imul(low, P1_LOW);
  const sum = (product + P4_LOW) | 0;
  hash.high =
    (multiplyHigh(low, P1_LOW) +
      Math.imul(high, P1_LOW) +
      Math.imul(low, P1_HIGH) +
      P4_HIGH +
      carryOf(sum, P4_LOW)) |
    0;
  hash.low = sum;
}

/**
 * Hashes latin1 text, one byte a character, with `hash` as the seed, and leaves the result in `hash`: calling it
 * again chains, as Envoy does for lists. Start from zeros for seed 0. Allocates nothing.
 */
export function hashText(text: string, hash: Hash64): void {
  const length = text.length;
  let at = 0;
  if (length >= STRIPE_BYTES) {
    hashStripes(text, hash);
    at = stripesEnd;
  } else {
    const sum = (hash.low + P5_LOW) | 0;
    hash.high = (hash.high + P5_HIGH + carryOf(sum, P5_LOW)) | 0;
    hash.low = sum;
  }
  let low = (hash.low + length) | 0;
  let high = (hash.high + carryOf(low, length)) | 0;
  for (; at + 8 <= length; at += 8) {
    mixLane(0, 0, word(text, at + 4), word(text, at));
    low ^= lane.low;
    high ^= lane.high;
    timesP1PlusP4(hash, (high << 27) | (low >>> 5), (low << 27) | (high >>> 5));
    low = hash.low;
    high = hash.high;
  }
  if (at + 4 <= length) {
    const input = word(text, at);
    high ^= multiplyHigh(input, P1_LOW) + Math.imul(input, P1_HIGH);
    low ^= Math.imul(input, P1_LOW);
    const turnedHigh = (high << 23) | (low >>> 9);
    const turnedLow = (low << 23) | (high >>> 9);
    const product = Math.imul(turnedLow, P2_LOW);
    low = (product + P3_LOW) | 0;
    high =
      (multiplyHigh(turnedLow, P2_LOW) +
        Math.imul(turnedHigh, P2_LOW) +
        Math.imul(turnedLow, P2_HIGH) +
        P3_HIGH +
        carryOf(low, P3_LOW)) |
      0;
    at += 4;
  }
  for (; at < length; at++) {
    const input = text.charCodeAt(at) & 0xff;
    high ^= multiplyHigh(input, P5_LOW) + Math.imul(input, P5_HIGH);
    low ^= Math.imul(input, P5_LOW);
    const turnedHigh = (high << 11) | (low >>> 21);
    const turnedLow = (low << 11) | (high >>> 21);
    low = Math.imul(turnedLow, P1_LOW);
    high =
      (multiplyHigh(turnedLow, P1_LOW) + Math.imul(turnedHigh, P1_LOW) + Math.imul(turnedLow, P1_HIGH)) | 0;
  }
  avalanche(hash, high, low);
}

/** Spreads every input bit over the whole result. */
function avalanche(hash: Hash64, high: number, low: number): void {
  low ^= high >>> 1;
  high = (multiplyHigh(low, P2_LOW) + Math.imul(high, P2_LOW) + Math.imul(low, P2_HIGH)) | 0;
  low = Math.imul(low, P2_LOW);
  low ^= (low >>> 29) | (high << 3);
  high ^= high >>> 29;
  const thirdHigh = (multiplyHigh(low, P3_LOW) + Math.imul(high, P3_LOW) + Math.imul(low, P3_HIGH)) | 0;
  low = Math.imul(low, P3_LOW);
  hash.high = thirdHigh;
  hash.low = low ^ thirdHigh;
}
