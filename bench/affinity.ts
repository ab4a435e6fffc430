// Measures the affinity core: hashing, picks, tokens, whole decisions, and how long tables take and stall. Run: node bench/affinity.ts

import { decide } from "../src/affinity/decide.ts";
import { buildThrough, type TableBuilder } from "../src/affinity/hash-table.ts";
import { encodeEnvoyCookie } from "../src/affinity/library.ts";
import { DEFAULT_MAGLEV, MaglevBuilder } from "../src/affinity/maglev.ts";
import { DEFAULT_RING, RingBuilder } from "../src/affinity/ring.ts";
import { KeyRing } from "../src/affinity/token/key-ring.ts";
import { readToken, writeToken } from "../src/affinity/token/session-token.ts";
import { hashText } from "../src/affinity/xxhash64.ts";
import type { RequestHead } from "../src/model/index.ts";
import { backendOf, CLIENT, cookieSession, planOf, requestOf, ruleOf } from "../test/support/affinity.ts";
import { keyOf, ringOf, sealedSession, seededBytes } from "../test/support/sealed.ts";

const ROUNDS = 5;
const PICKS = 1_000_000;
const DECISIONS = 300_000;
/** What the event loop may be held up for at a time. */
const SLICE_MS = 2;

const hosts = Array.from({ length: 1000 }, (_, i) => ({ key: `10.0.${i >> 8}.${i & 255}:8080` }));
const keys = Array.from({ length: 4096 }, (_, i) => `user-${i}-abcdefghijklmnop`.slice(0, 20));
const hash = { high: 0, low: 0 };

/** Nanoseconds a call, the best of some rounds: what the machine does besides only makes it slower. */
function nanoseconds(calls: number, work: (index: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let index = 0; index < calls; index++) work(index);
    best = Math.min(best, ((performance.now() - start) * 1e6) / calls);
  }
  return best;
}

function report(name: string, figure: string): void {
  process.stdout.write(`${name.padEnd(56)}${figure}\n`);
}

function hashKey(index: number): void {
  hash.high = 0;
  hash.low = 0;
  hashText(keys[index % keys.length] as string, hash);
}

report("xxHash64 of a 20-byte key", `${nanoseconds(PICKS, hashKey).toFixed(0)} ns`);
for (const [name, builder] of [
  ["Maglev 65,537", new MaglevBuilder(hosts, DEFAULT_MAGLEV)],
  ["ring 1,024", new RingBuilder(hosts, DEFAULT_RING)],
] as const) {
  const table = buildThrough(builder);
  const pick = nanoseconds(PICKS, (index) => {
    hashKey(index);
    table.pick(hash, 0);
  });
  report(`${name}: pick for a 20-byte key, hash included`, `${pick.toFixed(0)} ns`);
}

/** Builds in slices as the data plane does; `longestMs` is the longest time without a return to the event loop. */
function build(make: () => TableBuilder): { totalMs: number; longestMs: number } {
  const start = performance.now();
  const builder = make();
  let longestMs = performance.now() - start;
  for (let done = false; !done; ) {
    const sliceStart = performance.now();
    done = builder.step(() => performance.now() - sliceStart > SLICE_MS);
    longestMs = Math.max(longestMs, performance.now() - sliceStart);
  }
  return { totalMs: performance.now() - start, longestMs };
}

const builds: readonly (readonly [string, () => TableBuilder])[] = [
  ["ring 1,024", () => new RingBuilder(hosts, DEFAULT_RING)],
  ["ring 100,000", () => new RingBuilder(hosts, { ...DEFAULT_RING, minimumSize: 100_000 })],
  ["Maglev 65,537", () => new MaglevBuilder(hosts, DEFAULT_MAGLEV)],
  ["Maglev 5,000,011", () => new MaglevBuilder(hosts, { tableSize: 5_000_011 })],
];
for (const [name, make] of builds) {
  const rounds = Array.from({ length: ROUNDS }, () => build(make));
  const totalMs = Math.min(...rounds.map((round) => round.totalMs));
  const longestMs = Math.min(...rounds.map((round) => round.longestMs));
  report(
    `${name} over 1,000 endpoints`,
    `${totalMs.toFixed(1)} ms, longest slice ${longestMs.toFixed(2)} ms`,
  );
}

const backend = backendOf(
  "Service/default/carts:80",
  hosts.slice(0, 5).map(({ key }) => key),
  { loadBalancer: { ...DEFAULT_MAGLEV, kind: "maglev", useHostname: false } },
);
const hashPolicies = [{ kind: "header", name: "x-user", terminal: false }] as const;
const hashed = planOf(ruleOf([backend.id], { hashPolicies }), backend);
const session = cookieSession({ absoluteTimeoutSec: 3600 }, { lifetime: "Permanent" });
const kept = planOf(ruleOf([backend.id], { hashPolicies, session }), backend);
const sealed = sealedSession({ absoluteTimeoutSec: 3600 });
const keptSealed = planOf(ruleOf([backend.id], { hashPolicies, session: sealed }), backend);

const NONE: readonly string[] = [];

/** A head that allocates nothing when it is read, so that only the decision is measured. */
function headWith(name: string, value: string): RequestHead {
  const values = [value];
  return {
    ...requestOf("/cart"),
    get: (asked) => (asked === name ? value : undefined),
    getAll: (asked) => (asked === name ? values : NONE),
  };
}

const ring = ringOf([1], 1);
const options = { nowSec: 1_800_000_000, random: Math.random, keys: ring };
const token = encodeEnvoyCookie({
  address: backend.endpoints[2]?.address ?? "",
  expiresSec: options.nowSec + 60,
});
const said = {
  address: backend.endpoints[2]?.address ?? "",
  begunSec: options.nowSec,
  lastSeenSec: 0,
  expiresSec: options.nowSec + 3600,
  identity: { kind: "uid", value: "7d4f5c1e-90ab-4cde-8f01-23456789abcd" },
} as const;

/** As many as are opened once, by a process that did not seal them. */
function sealMany(count: number, by: KeyRing): string[] {
  return Array.from({ length: count }, () => writeToken(sealed, said, by) as string);
}

const reader = ringOf([1], 2);
function openOnce(texts: readonly string[]): number {
  let at = 0;
  return nanoseconds(texts.length / ROUNDS, () => readToken(sealed, texts[at++] as string, reader, 0));
}

const OPENINGS = 5000;
const sealedText = sealMany(1, ring)[0] as string;
for (const [name, each] of [
  ["seal a token", nanoseconds(OPENINGS, () => writeToken(sealed, said, ring))],
  ["open a token for the first time", openOnce(sealMany(OPENINGS, ringOf([1], 3)))],
  [
    "open the first token of a process",
    openOnce(sealMany(OPENINGS, new KeyRing([keyOf(1)], seededBytes(4), 1))),
  ],
  ["open a token again", nanoseconds(PICKS, () => readToken(sealed, sealedText, reader, 0))],
] as const) {
  report(name, `${each.toFixed(0)} ns`);
}
report("a token's characters, with a UID", String(sealedText.length));

for (const [name, head, by] of [
  ["session cookie", headWith("cookie", `theme=dark; home="${token}"`), kept],
  ["sealed session cookie", headWith("cookie", `theme=dark; home="${sealedText}"`), keptSealed],
  ["hash of a header", headWith("x-user", keys[0] as string), hashed],
] as const) {
  decide(by, head, CLIENT, options).pending?.step(() => false);
  const each = nanoseconds(DECISIONS, () => decide(by, head, CLIENT, options));
  report(`decision by ${name}`, `${each.toFixed(0)} ns`);
}
