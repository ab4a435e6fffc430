// What must hold for any hosts, keys and bytes: moves, shares, round trips, and decoders that never throw.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sessionFields } from "../../src/affinity/decide.ts";
import type { TableBuilder, TableHost } from "../../src/affinity/hash-table.ts";
import { fromBigInt, remainder64, toBigInt } from "../../src/affinity/hash64.ts";
import {
  buildMaglev,
  buildRing,
  decodeEnvoyCookie,
  encodeEnvoyCookie,
  type Table,
  xxh64,
} from "../../src/affinity/index.ts";
import { DEFAULT_MAGLEV, MaglevBuilder } from "../../src/affinity/maglev.ts";
import { DEFAULT_RING, RingBuilder } from "../../src/affinity/ring.ts";
import { decodeBase64Text, encodeBase64 } from "../../src/affinity/token/base64.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/affinity/token/envelope.ts";
import { envoyHeaderFormat, timedEnvoyHeaderFormat } from "../../src/affinity/token/envoy-header.ts";
import {
  cookieSession,
  decideNow,
  headerSession,
  NOW_SEC,
  requestOf,
  sessionPlanOf,
} from "../support/affinity.ts";
import { referenceXxh64 } from "../support/xxh64-reference.ts";

const latin1 = fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65535 })).map(([ip, port]) => `${ip}:${port}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65535 })).map(([ip, port]) => `[${ip}]:${port}`),
);
const hosts = fc.uniqueArray(fc.record({ key: address, weight: fc.integer({ min: 1, max: 10 }) }), {
  minLength: 2,
  maxLength: 12,
  selector: ({ key }) => key,
});
const KEYS = Array.from({ length: 500 }, (_, index) => xxh64(`key-${index}`));

function ownersOf(table: Table, of: readonly TableHost[]): string[] {
  return KEYS.map((hash) => of[table.pick(hash)]?.key ?? "");
}

describe("numbers and hashes", () => {
  test("xxh64 agrees with a BigInt reading of its specification", () => {
    fc.assert(
      fc.property(latin1, uint64, (text, seed) => {
        expect(xxh64(text, seed)).toBe(referenceXxh64(Buffer.from(text, "latin1"), seed));
      }),
      { numRuns: 1000 },
    );
  });

  test("bytes and latin1 text hash alike", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(xxh64(bytes)).toBe(xxh64(Buffer.from(bytes).toString("latin1")));
      }),
    );
  });

  test("remainders are exact for every divisor that a table or a sum of weights can have", () => {
    fc.assert(
      fc.property(uint64, fc.integer({ min: 1, max: 2 ** 37 - 1 }), (value, divisor) => {
        const { high, low } = fromBigInt(value);
        expect(BigInt(remainder64(high, low, divisor))).toBe(value % BigInt(divisor));
        expect(toBigInt({ high, low })).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("tables", () => {
  test("ring: removing a host moves its own keys only", () => {
    fc.assert(
      fc.property(hosts, fc.nat(), (all, choice) => {
        // Equal weights and one entry count a host, as the scale of a ring follows its lightest host.
        const equal = all.map(({ key }) => ({ key }));
        const removed = equal[choice % equal.length]?.key;
        const rest = equal.filter(({ key }) => key !== removed);
        const sized = (count: number) => ({ minimumSize: count * 100, maximumSize: count * 100 });
        const before = ownersOf(buildRing(equal, sized(equal.length)), equal);
        const after = ownersOf(buildRing(rest, sized(rest.length)), rest);
        for (const [index, owner] of before.entries()) {
          if (owner !== removed) expect(after[index]).toBe(owner);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("Maglev: removing one of equal hosts moves few keys beside its own", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 12 }), fc.nat({ max: 254 }), (count, net) => {
        const all = Array.from({ length: count }, (_, i) => ({ key: `10.0.${net}.${i}:80` }));
        const rest = all.slice(1);
        const before = ownersOf(buildMaglev(all), all);
        const after = ownersOf(buildMaglev(rest), rest);
        const moved = before.filter((owner, i) => owner !== all[0]?.key && owner !== after[i]).length;
        expect(moved / KEYS.length).toBeLessThan(0.1);
      }),
      { numRuns: 10 },
    );
  });

  test("weights are honoured: every host owns its share of a table", () => {
    fc.assert(
      fc.property(hosts, (all) => {
        const total = all.reduce((sum, { weight }) => sum + weight, 0);
        const size = 4093;
        const table = buildMaglev(all, { tableSize: size });
        const slots = Array.from({ length: size }, (_, slot) => all[table.pick(BigInt(slot))]?.key);
        for (const { key, weight } of all) {
          const share = slots.filter((owner) => owner === key).length;
          expect(Math.abs(share - (size * weight) / total)).toBeLessThan(2 * all.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("a build in slices equals a build in one go", () => {
    const builders: ((of: readonly TableHost[]) => TableBuilder)[] = [
      (of) => new RingBuilder(of, DEFAULT_RING),
      (of) => new RingBuilder(of, { ...DEFAULT_RING, hashFunction: "murmurHash2" }),
      (of) => new MaglevBuilder(of, DEFAULT_MAGLEV),
    ];
    fc.assert(
      fc.property(hosts, fc.constantFrom(...builders), fc.array(fc.boolean()), (all, build, yields) => {
        const whole = build(all);
        expect(whole.step(() => false)).toBe(true);
        const sliced = build(all);
        let check = 0;
        while (!sliced.step(() => yields[check++ % yields.length] ?? true))
          expect(sliced.table).toBeUndefined();
        for (const hash of KEYS) {
          for (const attempt of [0, 1, 7]) {
            const halves = fromBigInt(hash);
            expect(sliced.table?.pick(halves, attempt)).toBe(whole.table?.pick(halves, attempt));
          }
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("codecs", () => {
  const times = fc.nat({ max: 2 ** 31 });

  test("an Envoy cookie reads back as it was written", () => {
    fc.assert(
      fc.property(address, times, times, times, (one, expiresSec, lastSeenSec, begunSec) => {
        const cookie = { address: one, expiresSec, lastSeenSec, begunSec };
        const present = Object.entries(cookie).filter(([, value]) => value !== 0);
        expect(decodeEnvoyCookie(encodeEnvoyCookie(cookie))).toEqual(Object.fromEntries(present));
      }),
    );
  });

  test("header tokens and envelopes read back as they were written", () => {
    fc.assert(
      fc.property(address, latin1, times, (one, original, expiresSec) => {
        const token = { address: one, expiresSec, lastSeenSec: 0, begunSec: 0 };
        expect(timedEnvoyHeaderFormat.decode(timedEnvoyHeaderFormat.encode(token))).toEqual(token);
        expect(envoyHeaderFormat.decode(envoyHeaderFormat.encode(token))?.address).toBe(one);
        fc.pre(original !== "");
        expect(decodeEnvelope(encodeEnvelope({ address: one, original }))).toEqual({
          address: one,
          original,
        });
      }),
    );
  });

  test("base64 is accepted exactly where encoding gives the same text again", () => {
    const nearBase64 = fc.string({ unit: fc.constantFrom(..."ABQZagwx0189+/=-_ "), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(nearBase64, latin1.map(encodeBase64)), (text) => {
        const canonical = Buffer.from(text, "base64").toString("base64") === text;
        expect(decodeBase64Text(text) !== undefined).toBe(canonical);
        if (canonical) expect(encodeBase64(decodeBase64Text(text) ?? "")).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test("no text makes a decoder throw, and what it accepts has an address", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.string(),
      latin1.map(encodeBase64),
    );
    fc.assert(
      fc.property(text, (one) => {
        for (const decode of [decodeEnvoyCookie, decodeEnvelope, envoyHeaderFormat.decode]) {
          const decoded = decode(one);
          if (decoded !== undefined) expect(decoded.address).not.toBe("");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test("no cookie or header line makes a decision throw, and each gets an endpoint", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    latin1.map((text) => `home=${encodeBase64(text)}; home="${text}"`),
  );
  const addresses = ["10.0.0.1:80", "10.0.0.2:80"];
  const plans = [cookieSession({ idleTimeoutSec: 60 }), headerSession({ absoluteTimeoutSec: 60 })].map(
    (session) => sessionPlanOf(session, addresses),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), fc.constantFrom(...plans), (lines, plan) => {
      const fields = lines.flatMap((one) => [["cookie", one] as const, ["x-home", one] as const]);
      const decision = decideNow(plan, requestOf("/", fields), { random: () => 0.5 });
      expect(decision.endpoint).toBeDefined();
      expect(sessionFields(decision, true, NOW_SEC)).toBeDefined();
    }),
    { numRuns: 500 },
  );
});
