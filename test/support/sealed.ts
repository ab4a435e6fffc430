// Key rings and sealed sessions for tests: the same keys for the same number, and chance that can be repeated.
import { createHash } from "node:crypto";
import { KeyRing, type RandomBytes } from "../../src/affinity/token/key-ring.ts";
import type { SessionPersistence, TokenRules } from "../../src/model/index.ts";
import { cookieSession, seededRandom } from "./affinity.ts";

/** The key of this number, 32 bytes. */
export function keyOf(number: number): Buffer {
  return createHash("sha256").update(`key ${number}`).digest();
}

export function seededBytes(seed: number): RandomBytes {
  const random = seededRandom(seed);
  return (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}

/** A ring of the keys of these numbers, the first one seals; rings of different seeds are different processes. */
export function ringOf(numbers: readonly number[], seed = 1): KeyRing {
  return new KeyRing(numbers.map(keyOf), seededBytes(seed));
}

type SealedRules = Extract<TokenRules, { format: "sealed" }>;

/** A session in the cookie `home`, sealed. */
export function sealedSession(
  over: Partial<SessionPersistence> = {},
  rules: Partial<SealedRules> = {},
): SessionPersistence {
  const token: SealedRules = { format: "sealed", identity: "uid", ...rules };
  return cookieSession({ endSecond: "excluded", ...over, token });
}
