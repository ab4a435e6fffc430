// The library's surface: known values, options, and errors that say what is wrong.
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { toBigInt } from "./hash64.ts";
import { backendMark, buildMaglev, buildRing, KeyRing, openToken, sealToken, xxh64 } from "./index.ts";
import { MersenneTwister } from "./mersenne-twister.ts";
import { murmurText } from "./murmur-hash2.ts";

const HOSTS = [{ key: "10.0.0.1:80" }, { key: "10.0.0.2:80" }, { key: "10.0.0.3:80" }];

describe("hashes", () => {
  test("xxh64 of the empty text is the published value", () => {
    expect(xxh64("")).toBe(0xef46db3751d8e999n);
  });

  test("MurmurHash2 is std::hash of libstdc++", () => {
    const values = ["", "a", "abc", "hello world", "127.0.0.1:20001_17", "a\xff\x80bcdefgh"].map((text) => {
      const hash = { high: 0, low: 0 };
      murmurText(text, hash);
      return toBigInt(hash);
    });
    expect(values).toEqual([
      6142509188972423790n,
      4993892634952068459n,
      3663726644998027833n,
      5577293430985752569n,
      1104979332014257903n,
      1191585104753573932n,
    ]);
  });

  test("mt19937 gives the numbers that the C++ standard demands", () => {
    const twister = new MersenneTwister();
    twister.seed(5489);
    expect(twister.next()).toBe(3499211612);
    for (let i = 2; i < 10_000; i++) twister.next();
    expect(twister.next()).toBe(4123659995);
  });
});

describe("tables", () => {
  test("the order of hosts does not matter to Maglev, but indices follow it", () => {
    const forth = buildMaglev(HOSTS, { tableSize: 1021 });
    const back = buildMaglev(HOSTS.toReversed(), { tableSize: 1021 });
    for (let slot = 0n; slot < 1021n; slot++) expect(back.pick(slot)).toBe(2 - forth.pick(slot));
  });

  test("an attempt in Maglev flips the hash", () => {
    const table = buildMaglev(HOSTS, { tableSize: 1021 });
    const hash = 0x0123_4567_89ab_cdefn;
    for (const attempt of [1, 2, 5]) {
      expect(table.pick(hash, attempt)).toBe(table.pick(hash ^ (2n ** 64n - BigInt(attempt))));
    }
  });

  test("many hosts need wider indices", () => {
    const many = Array.from({ length: 300 }, (_, i) => ({ key: `10.0.${i >> 8}.${i & 255}:80` }));
    for (const table of [buildMaglev(many), buildRing(many)]) {
      const owners = new Set(Array.from({ length: 20_000 }, (_, i) => table.pick(xxh64(`${i}`))));
      expect(owners.size).toBe(300);
    }
  });

  test.each([
    [() => buildRing(HOSTS, { minimumSize: 9000, maximumSize: 100 }), "minimumSize 9000 is greater than"],
    [() => buildRing(HOSTS, { minimumSize: 0 }), "minimumSize: 0 is not a whole number of 1 to 8388608"],
    [() => buildRing(HOSTS, { maximumSize: 8_388_609 }), "maximumSize: 8388609 is not a whole number"],
    [() => buildRing([]), "at least one is needed"],
    [() => buildMaglev(HOSTS, { tableSize: 1000 }), "tableSize: 1000 is not a prime number"],
    [() => buildMaglev(HOSTS, { tableSize: 5_000_077 }), "of at most 5000011"],
    [() => buildMaglev([{ key: "a", weight: 0 }]), "weight of a: 0 is not a whole number of at least 1"],
    [() => buildMaglev([{ key: "a", weight: 2 ** 32 }]), "exceeds 4294967295"],
  ])("bad input %#", (build, message) => {
    expect(build).toThrow(RangeError);
    expect(build).toThrow(message);
  });
});

test("a sealed token says to whoever has the key what it was given, and nothing to others", () => {
  const keys = KeyRing.parse(randomBytes(32).toString("base64"), randomBytes);
  const scope = "HTTPRoute/default/shop/carts/home";
  const said = { address: "10.0.0.1:80", begunSec: 1_800_000_000, original: "own" };
  const text = sealToken(keys, scope, { ...said, backend: "Service/default/carts:80" });
  expect(openToken(keys, scope, text)).toStrictEqual({
    ...said,
    backendMark: backendMark("Service/default/carts:80"),
    keyId: keys.keyIds[0],
  });
  expect(openToken(keys, "another", text)).toBeUndefined();
  expect(
    openToken(KeyRing.parse(randomBytes(32).toString("base64"), randomBytes), scope, text),
  ).toBeUndefined();
});
