// What must hold for any sealed token: it opens as it was sealed, and no other text does.
import fc from "fast-check";
import { expect, test } from "vitest";
import { readToken, writeToken } from "../../src/affinity/token/session-token.ts";
import { ringOf, sealedSession } from "../support/sealed.ts";

const SEALER = ringOf([1], 1);
const OPENER = ringOf([2, 1], 2);
const SCOPE = "HTTPRoute/default/shop/carts/home";

function opened(text: string, scope = SCOPE): string | undefined {
  const plain = OPENER.open(text, scope)?.plain;
  return plain && Buffer.from(plain).toString("hex");
}

test("any bytes open as they were sealed, for their own scope and for no other", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const scope = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(bytes, scope, scope, (plain, one, other) => {
      const text = SEALER.seal(plain, one);
      expect(opened(text, one)).toBe(Buffer.from(plain).toString("hex"));
      if (other !== one) expect(opened(text, other)).toBeUndefined();
      expect(ringOf([2, 3]).open(text, one)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("any token of any session reads back as it was written", () => {
  const time = fc.integer({ min: 1, max: 2 ** 40 - 1 });
  const token = fc.record({
    address: fc.tuple(fc.ipV4(), fc.nat({ max: 65_535 })).map(([ip, port]) => `${ip}:${port}`),
    begunSec: time,
    lastSeenSec: time,
    expiresSec: time,
    identity: fc.option(fc.record({ kind: fc.constant("uid" as const), value: fc.uuid() }), {
      nil: undefined,
    }),
    backendMark: fc.nat({ max: 2 ** 32 - 1 }),
    original: fc.uint8Array({ maxLength: 4096 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  });
  fc.assert(
    fc.property(token, fc.string(), (one, scope) => {
      const session = {
        ...sealedSession({ scope }),
        carrier: { kind: "wrappedCookie", name: "own" } as const,
      };
      const text = writeToken(session, one, SEALER) as string;
      expect(readToken(session, text, OPENER, 0)).toEqual({ ...one, keyId: SEALER.keyIds[0] });
    }),
    { numRuns: 200 },
  );
});

const PLAIN = Buffer.from("where, since when, until when");
const text = SEALER.seal(PLAIN, SCOPE);
const bytes = Buffer.from(text, "base64url");

test("whichever bit is flipped, it does not open", () => {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect({ bit, opened: opened(changed.toString("base64url")) }).toEqual({ bit, opened: undefined });
  }
  expect(opened(text)).toBe(PLAIN.toString("hex"));
});

test("wherever it is cut off, at either end, or goes on, it does not open", () => {
  for (let at = 0; at < text.length; at++) {
    expect(opened(text.slice(0, at))).toBeUndefined();
    if (at > 0) expect(opened(text.slice(at))).toBeUndefined();
    expect(opened(text + text.slice(0, at + 1))).toBeUndefined();
  }
});

test("wherever two are spliced, of one process or of two, what comes out does not open", () => {
  for (const other of [
    SEALER.seal(PLAIN, SCOPE),
    ringOf([1], 3).seal(PLAIN, SCOPE),
    ringOf([2]).seal(PLAIN, SCOPE),
  ]) {
    for (let at = 1; at < text.length; at++) {
      for (const spliced of [text.slice(0, at) + other.slice(at), other.slice(0, at) + text.slice(at)]) {
        if (spliced !== text && spliced !== other) expect(opened(spliced)).toBeUndefined();
      }
    }
  }
});

test("the same bytes written in any other way do not open, after the canonical text did either", () => {
  // As long as bits are left over at the end of base64, and with each of its special characters.
  const special = Array.from({ length: 500 }, () => SEALER.seal(PLAIN, SCOPE)).find((one) =>
    /-.*_|_.*-/.test(one),
  );
  const one = special as string;
  const last = one.at(-1) as string;
  const others = [
    Buffer.from(one, "base64url").toString("base64"),
    one.replaceAll("-", "+").replaceAll("_", "/"),
    one.replace("-", "+"),
    one.replace("_", "/"),
    `${one}=`,
    `${one}==`,
    ` ${one}`,
    `${one} `,
    `${one}\n`,
    `${one.slice(0, 9)}\n${one.slice(9)}`,
    `${one.slice(0, 9)}=${one.slice(9)}`,
    `${one.slice(0, 9)}\u0000${one.slice(9)}`,
    `${one}A`,
    one.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1),
    encodeURIComponent(`${one}=`),
    one.replace("-", "\u2010"),
    `"${one}"`,
  ];
  for (let round = 0; round < 2; round++) {
    expect(opened(one)).toBe(PLAIN.toString("hex"));
    expect(others.filter((other) => opened(other) !== undefined)).toEqual([]);
  }
});
