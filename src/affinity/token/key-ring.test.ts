// Tests of sealing and opening: the bytes that must not drift, who can open what, and what is remembered.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { keyOf, ringOf, seededBytes } from "../../../test/support/sealed.ts";
import { keyLine } from "./key-file.ts";
import { KeyRing, MAX_PLAIN_SIZE } from "./key-ring.ts";

const SCOPE = "HTTPRoute/default/shop/carts/home";
const PLAIN = Buffer.from("some plain bytes");

/** The keys of these numbers have the same id. */
const CLASH = [74824, 124877] as const;

function openedText(ring: KeyRing, text: string, scope = SCOPE): string | undefined {
  const opened = ring.open(text, scope);
  return opened && Buffer.from(opened.plain).toString();
}

describe("bytes", () => {
  const ring = ringOf([1]);
  const first = ring.seal(PLAIN, SCOPE);
  const second = ring.seal(PLAIN, SCOPE);

  test("a key, a salt, a counter and a scope give this text and no other", () => {
    expect([first, second]).toEqual([
      "AQuUED-gAIf790ecuG3-dH0jZz8nAAAAAAAAAABHJA30BptDSI2_ZzQu2UDUiYqfbrq4UrXQObVJIB7JzQ",
      "AQuUED-gAIf790ecuG3-dH0jZz8nAAAAAAAAAAHr2kAmdjc5mBk44Kih50W0nfE7lCsUsijMEK6QZbgi5Q",
    ]);
  });

  test("version, key id, salt and counter are in front", () => {
    const bytes = Buffer.from(second, "base64url");
    expect(bytes[0]).toBe(1);
    expect([bytes.toString("hex", 1, 5)]).toEqual(ring.keyIds);
    expect([...bytes.subarray(5, 21)]).toEqual([...seededBytes(1)(16)]);
    expect(bytes.readBigUInt64BE(21)).toBe(1n);
    expect(bytes.length).toBe(29 + PLAIN.length + 16);
  });
});

describe("opening", () => {
  test("another process with the same key opens it, more than once", () => {
    const text = ringOf([1], 1).seal(PLAIN, SCOPE);
    const other = ringOf([1], 2);
    expect([openedText(other, text), openedText(other, text)]).toEqual([`${PLAIN}`, `${PLAIN}`]);
    expect(other.open(text, SCOPE)?.keyId).toBe(other.keyIds[0]);
  });

  test("every key of the ring opens, wherever it stands; a key that is not in it does not", () => {
    const text = ringOf([1]).seal(PLAIN, SCOPE);
    const ring = ringOf([2, 1]);
    expect(openedText(ring, text)).toBe(`${PLAIN}`);
    expect(ring.open(text, SCOPE)?.keyId).toBe(ring.keyIds[1]);
    expect(openedText(ringOf([2, 3]), text)).toBeUndefined();
  });

  test("of keys with the same id every one is tried", () => {
    const [one, other] = CLASH;
    const ring = ringOf([one, other]);
    expect(ring.keyIds[0]).toBe(ring.keyIds[1]);
    for (const number of CLASH)
      expect(openedText(ring, ringOf([number]).seal(PLAIN, SCOPE))).toBe(`${PLAIN}`);
  });

  test("not for another scope, before and after it opened for its own", () => {
    const ring = ringOf([1]);
    const text = ring.seal(PLAIN, SCOPE);
    for (let round = 0; round < 2; round++) {
      expect(openedText(ring, text, `${SCOPE}2`)).toBeUndefined();
      expect(openedText(ring, text, "")).toBeUndefined();
      expect(openedText(ring, text)).toBe(`${PLAIN}`);
    }
  });

  test("the scope is not a part of what is sealed: bytes do not wander from one to the other", () => {
    const ring = ringOf([1]);
    expect(openedText(ring, ring.seal(Buffer.from("b"), "a"), "ab")).toBeUndefined();
  });

  test("nothing can be sealed too, and as much as the limit, but no more", () => {
    const ring = ringOf([1]);
    for (const size of [0, 1, MAX_PLAIN_SIZE]) {
      expect(ring.open(ring.seal(Buffer.alloc(size, 7), SCOPE), SCOPE)?.plain).toHaveLength(size);
    }
    expect(() => ring.seal(Buffer.alloc(MAX_PLAIN_SIZE + 1), SCOPE)).toThrow(RangeError);
  });
});

describe("salts", () => {
  test("a new one is made when a subkey has sealed its share, and the counter begins anew", () => {
    const random = seededBytes(5);
    const ring = new KeyRing([keyOf(1)], random, 3);
    const texts = Array.from({ length: 7 }, () => ring.seal(PLAIN, SCOPE));
    const heads = texts.map((text) => Buffer.from(text, "base64url"));
    expect(heads.map((bytes) => bytes.readBigUInt64BE(21))).toEqual([0n, 1n, 2n, 0n, 1n, 2n, 0n]);
    expect(new Set(heads.map((bytes) => bytes.toString("hex", 5, 21))).size).toBe(3);
    expect(new Set(texts).size).toBe(7);
    for (const text of texts) expect(openedText(ring, text)).toBe(`${PLAIN}`);
  });

  test("two processes never share one", () => {
    const salts = [1, 2, 3].map((seed) => ringOf([1], seed).seal(PLAIN, SCOPE).slice(7, 28));
    expect(new Set(salts).size).toBe(3);
  });
});

describe("memory", () => {
  test("what opened is remembered, and no garbage drives it out", () => {
    const ring = ringOf([1]);
    const honest = ringOf([1], 2).seal(PLAIN, SCOPE);
    const opened = ring.open(honest, SCOPE);
    const garbage = Buffer.from(honest, "base64url");
    for (let index = 0; index < 5_000; index++) {
      garbage.writeUInt32BE(index, 5);
      expect(ring.open(garbage.toString("base64url"), SCOPE)).toBeUndefined();
    }
    expect(ring.open(honest, SCOPE)).toBe(opened);
  });

  test("a ring that is logged or serialised shows no key", () => {
    const ring = ringOf([1, 2]);
    ring.open(ring.seal(PLAIN, SCOPE), SCOPE);
    const shown = `${JSON.stringify(ring)} ${inspect(ring, { depth: 9, showHidden: true })} ${String(ring)}`;
    for (const number of [1, 2]) {
      const key = keyOf(number);
      const forms = [
        key.toString("hex"),
        key.toString("base64"),
        key.toString("base64url"),
        [...key].join(", "),
      ];
      expect(forms.filter((form) => shown.includes(form))).toEqual([]);
      expect(shown).not.toContain(inspect(key).slice(8, 40));
    }
  });
});

test("the text of a key file makes a ring", () => {
  const ring = KeyRing.parse(`# new\n${keyLine(keyOf(2))}\n# old\n${keyLine(keyOf(1))}\n`, seededBytes(1));
  expect(ring.keyIds).toEqual(ringOf([2, 1]).keyIds);
  expect(openedText(ring, ringOf([1]).seal(PLAIN, SCOPE))).toBe(`${PLAIN}`);
});
