// Tests of the bytes inside a sealed token: vectors that must not drift, and strictness.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backendMark, decodeSealedLayout, encodeSealedLayout } from "./sealed-layout.ts";
import type { Token } from "./token.ts";

const KEY_ID = "00112233";
const BACKEND = "Service/default/carts:80";
const UID = "7d4f5c1e-90ab-4cde-8f01-23456789abcd";
const NOW = 1_800_000_000;

const plain: Token = {
  address: "10.0.0.1:8080",
  begunSec: NOW,
  lastSeenSec: 0,
  expiresSec: 0,
  identity: undefined,
  backendMark: backendMark(BACKEND),
  original: undefined,
  keyId: KEY_ID,
};

/** Whoever changes one of these ends every session there is. */
const VECTORS: readonly (readonly [name: string, Partial<Token>, hex: string])[] = [
  ["an address", {}, "0100cb855a610a0000011f90006b49d200"],
  [
    "times",
    { lastSeenSec: NOW + 60, expiresSec: NOW + 3600 },
    "0106cb855a610a0000011f90006b49d200006b49d23c006b49e010",
  ],
  [
    "a UID",
    { identity: { kind: "uid", value: UID } },
    "0108cb855a610a0000011f90006b49d2007d4f5c1e90ab4cde8f0123456789abcd",
  ],
  [
    "a UID that is no UUID",
    { identity: { kind: "uid", value: "pod-7" } },
    "0110cb855a610a0000011f90006b49d2000005706f642d37",
  ],
  [
    "a hostname",
    { identity: { kind: "hostname", value: "carts-0" } },
    "0118cb855a610a0000011f90006b49d200000763617274732d30",
  ],
  [
    "IPv6",
    { address: "[2001:db8::1]:8080" },
    "0101cb855a6100125b323030313a6462383a3a315d3a38303830006b49d200",
  ],
  ["the application's value", { original: "\u00ff id" }, "0120cb855a610a0000011f90006b49d200ff206964"],
];

describe("vectors", () => {
  test.each(VECTORS)("%s", (_, more, hex) => {
    const token = { ...plain, ...more };
    expect(encodeSealedLayout(token).toString("hex")).toBe(hex);
    expect(decodeSealedLayout(Buffer.from(hex, "hex"), KEY_ID)).toEqual(token);
  });

  test("the marks of backends", () => {
    expect([BACKEND, "", "Service/default/carts:81"].map(backendMark)).toEqual([
      3414514273, 1373170073, 1497481975,
    ]);
  });
});

const time = fc.integer({ min: 0, max: 2 ** 40 - 1 });
const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat({ max: 99_999 })).map(([ip, port]) => `${ip}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat({ max: 65_535 })).map(([ip, port]) => `[${ip}]:${port}`),
  fc.constantFrom("010.0.0.1:80", "10.0.0.256:80", "10.0.0.1:080", "shop.example:443"),
);
const identity = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant("uid" as const), value: fc.oneof(fc.uuid(), fc.string({ maxLength: 80 })) }),
  fc.record({
    kind: fc.constant("hostname" as const),
    value: fc.string({ unit: "grapheme", maxLength: 80 }),
  }),
);
const original = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  { nil: undefined },
);
const token = fc.record({
  address,
  begunSec: time,
  lastSeenSec: time,
  expiresSec: time,
  identity,
  backendMark: fc.nat({ max: 2 ** 32 - 1 }),
  original,
  keyId: fc.constant(KEY_ID),
});

test("any token reads back as it was written", () => {
  fc.assert(
    fc.property(token, (one) => {
      expect(decodeSealedLayout(encodeSealedLayout(one), KEY_ID)).toEqual(one);
    }),
    { numRuns: 1000 },
  );
});

test("no bytes make the reader throw, and what it takes has an address", () => {
  const near = fc
    .tuple(token, fc.nat(), fc.nat({ max: 255 }))
    .map(([one, at, byte]) => encodeSealedLayout(one).fill(byte, at % 6, (at % 6) + 1));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), near);
  fc.assert(
    fc.property(bytes, (one) => {
      const read = decodeSealedLayout(one, KEY_ID);
      if (read !== undefined) expect(read.address).toMatch(/:\d+$/);
    }),
    { numRuns: 2000 },
  );
});

test("bytes that are cut off or go on are no token", () => {
  const [, more] = VECTORS[1] as (typeof VECTORS)[number];
  const bytes = encodeSealedLayout({ ...plain, ...more });
  for (let size = 0; size < bytes.length; size++) {
    expect(decodeSealedLayout(bytes.subarray(0, size), KEY_ID)).toBeUndefined();
  }
  expect(decodeSealedLayout(Buffer.concat([bytes, Buffer.of(0)]), KEY_ID)).toBeUndefined();
});

test("another layout and unknown flags are no token", () => {
  const bytes = encodeSealedLayout(plain);
  for (const [at, byte] of [
    [0, 2],
    [0, 0],
    [1, 0x40],
    [1, 0x80],
  ] as const) {
    const changed = Buffer.from(bytes);
    changed[at] = byte;
    expect(decodeSealedLayout(changed, KEY_ID)).toBeUndefined();
  }
});

test("times later than any clock are written as the latest there is", () => {
  const late = { ...plain, expiresSec: 2 ** 60 };
  expect(decodeSealedLayout(encodeSealedLayout(late), KEY_ID)?.expiresSec).toBe(2 ** 40 - 1);
});
