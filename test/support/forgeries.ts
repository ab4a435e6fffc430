// Makes tokens that nobody sealed out of tokens that somebody did: mutated, truncated, spliced, foreign, and encoded otherwise.
import { encodeEnvoyCookie } from "../../src/affinity/library.ts";
import { KeyRing } from "../../src/affinity/token/key-ring.ts";
import { backendMark } from "../../src/affinity/token/sealed-layout.ts";
import { writeToken } from "../../src/affinity/token/session-token.ts";
import type { SessionPersistence } from "../../src/model/index.ts";
import { seededRandom } from "./affinity.ts";
import { keyOf, seededBytes } from "./sealed.ts";

const HEAD_SIZE = 29;
const SALT_AT = 5;
const HONEST = 64;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Forges tokens of one session, whose addresses and backends are real ones, so that one that opened would be followed. */
export class Forger {
  /** Texts that the session's own key sealed. */
  readonly honest: readonly string[];
  readonly #random: () => number;
  readonly #foreign: readonly string[];
  readonly #otherScope: readonly string[];
  readonly #addresses: readonly string[];
  readonly #makers: ReadonlyMap<string, () => string>;

  /** @param keyNumber of the key that the session is sealed with; see `ringOf`. */
  constructor(session: SessionPersistence, keyNumber: number, addresses: readonly string[], seed: number) {
    this.#random = seededRandom(seed);
    this.#addresses = addresses;
    this.honest = sealMany(session, keyNumber, addresses, seed);
    this.#foreign = sealMany(session, keyNumber + 1, addresses, seed + 1);
    this.#otherScope = sealMany({ ...session, scope: `${session.scope}2` }, keyNumber, addresses, seed + 2);
    this.#makers = this.#allMakers();
  }

  get kinds(): readonly string[] {
    return [...this.#makers.keys()];
  }

  /** Never a text that is honest. */
  forge(kind: string): string {
    const make = this.#makers.get(kind);
    if (make === undefined) throw new Error(`nobody forges ${kind}`);
    for (;;) {
      const text = make();
      if (!this.honest.includes(text)) return text;
    }
  }

  #allMakers(): Map<string, () => string> {
    return new Map([
      ["a bit flipped", () => this.#changed((bytes) => this.#flip(bytes, 0))],
      [
        "bits flipped behind the head",
        () => this.#changed((bytes) => this.#flip(this.#flip(bytes, HEAD_SIZE), 0)),
      ],
      ["a character changed", () => this.#withCharacter(this.#pick(BASE64URL))],
      ["a character that is none", () => this.#withCharacter(this.#pick('=+/ .%"\u0000\u00e9\u4e2d'))],
      ["another salt", () => this.#changed((bytes) => this.#scramble(bytes, SALT_AT, SALT_AT + 16))],
      ["another counter", () => this.#changed((bytes) => this.#scramble(bytes, SALT_AT + 16, HEAD_SIZE))],
      ["another tag", () => this.#changed((bytes) => this.#scramble(bytes, bytes.length - 16, bytes.length))],
      ["a head and chance", () => this.#changed((bytes) => this.#scramble(bytes, SALT_AT, bytes.length))],
      ["chance", () => this.#changed((bytes) => this.#scramble(bytes, 0, bytes.length))],
      ["cut off behind", () => this.#one().slice(0, -1 - this.#below(60))],
      ["cut off in front", () => this.#one().slice(1 + this.#below(60))],
      ["cut out of the middle", () => this.#cutOut(this.#one())],
      ["gone on with", () => this.#one() + this.#one().slice(0, 1 + this.#below(60))],
      ["two spliced", () => this.#spliced(this.honest)],
      ["spliced with a foreign one", () => this.#spliced(this.#foreign)],
      ["spliced with another scope's", () => this.#spliced(this.#otherScope)],
      ["two of it", () => this.#one() + this.#one()],
      ["of a foreign key", () => this.#pick(this.#foreign)],
      ["of a foreign key under our key's id", () => this.#withOurHead(SALT_AT)],
      ["of a foreign key under our head", () => this.#withOurHead(HEAD_SIZE)],
      ["of another scope", () => this.#pick(this.#otherScope)],
      ["in standard base64", () => Buffer.from(this.#one(), "base64url").toString("base64")],
      ["padded", () => `${this.#one()}${"=".repeat(1 + this.#below(3))}`],
      ["with trailing bits", () => withTrailingBits(this.#one())],
      ["in hex", () => Buffer.from(this.#one(), "base64url").toString("hex")],
      ["in base64 once more", () => Buffer.from(this.#one()).toString("base64url")],
      ["Envoy's", () => encodeEnvoyCookie({ address: this.#pick(this.#addresses) })],
      ["Envoy's of before", () => Buffer.from(this.#pick(this.#addresses)).toString("base64")],
      ["an address", () => this.#pick(this.#addresses)],
      ["long", () => this.#one().repeat(2 + this.#below(60))],
    ]);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<Of>(from: string | readonly Of[]): Of {
    return from[this.#below(from.length)] as Of;
  }

  #one(): string {
    return this.#pick(this.honest);
  }

  #changed(change: (bytes: Buffer) => Buffer): string {
    return change(Buffer.from(this.#one(), "base64url")).toString("base64url");
  }

  #flip(bytes: Buffer, from: number): Buffer {
    const at = from + this.#below(bytes.length - from);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#below(8));
    return bytes;
  }

  #scramble(bytes: Buffer, from: number, to: number): Buffer {
    for (let at = from; at < to; at++) bytes[at] = this.#below(256);
    return bytes;
  }

  #withCharacter(character: string): string {
    const text = this.#one();
    const at = this.#below(text.length);
    return text.slice(0, at) + character + text.slice(at + 1);
  }

  #cutOut(text: string): string {
    const at = 1 + this.#below(text.length - 10);
    return text.slice(0, at) + text.slice(at + 1 + this.#below(8));
  }

  #spliced(others: readonly string[]): string {
    const text = this.#one();
    const at = 1 + this.#below(text.length - 2);
    return text.slice(0, at) + this.#pick(others).slice(at);
  }

  #withOurHead(size: number): string {
    const ours = Buffer.from(this.#one(), "base64url").subarray(0, size);
    const theirs = Buffer.from(this.#pick(this.#foreign), "base64url").subarray(size);
    return Buffer.concat([ours, theirs]).toString("base64url");
  }
}

/** The same bytes, with bits set that do not count. */
function withTrailingBits(text: string): string {
  const last = BASE64URL.indexOf(text.at(-1) as string);
  return text.slice(0, -1) + BASE64URL[last ^ 1];
}

/** Each with a salt of its own, as from as many processes. */
function sealMany(
  session: SessionPersistence,
  keyNumber: number,
  addresses: readonly string[],
  seed: number,
): string[] {
  const ring = new KeyRing([keyOf(keyNumber)], seededBytes(seed), 1);
  return Array.from({ length: HONEST }, (_, index) => {
    const token = {
      address: addresses[index % addresses.length] as string,
      begunSec: 1_800_000_000 - index,
      lastSeenSec: 0,
      expiresSec: 1_900_000_000 + index,
      backendMark: backendMark("b"),
    };
    return writeToken(session, token, ring) as string;
  });
}
