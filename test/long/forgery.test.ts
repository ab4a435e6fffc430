// A million forged tokens: none is followed, none crashes, and none costs more than twice what opening one at first costs.
import { expect, test } from "vitest";
import { KeyRing } from "../../src/affinity/token/key-ring.ts";
import { readToken, writeToken } from "../../src/affinity/token/session-token.ts";
import { Forger } from "../support/forgeries.ts";
import { keyOf, ringOf, sealedSession, seededBytes } from "../support/sealed.ts";

const COUNT = 1_000_000;
const BATCH = 100;
const ADDRESSES = ["10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"];
const NOW = 1_800_000_000;
/** What a forged token may cost, against one that opens and nothing is remembered of. */
const MAX_RATIO = 2;

const session = sealedSession();

/** Of processes that are all different: no subkey is known before. */
class FirstTokens {
  readonly #ring = new KeyRing([keyOf(1)], seededBytes(99), 1);

  batch(): string[] {
    const token = { address: "10.0.0.1:80", begunSec: NOW, lastSeenSec: 0, expiresSec: NOW + 60 };
    return Array.from({ length: BATCH }, () => writeToken(session, token, this.#ring) as string);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

test(`${COUNT} forged tokens`, () => {
  const forger = new Forger(session, 1, ADDRESSES, 4711);
  const first = new FirstTokens();
  const keys = ringOf([1], 5);
  const opened = new Map<string, number>();
  const costs = new Map<string, number[]>();
  const honest: number[] = [];

  const measure = (texts: readonly string[]): { opened: number; us: number } => {
    let count = 0;
    const startMs = performance.now();
    for (const text of texts) if (readToken(session, text, keys, NOW) !== undefined) count += 1;
    return { opened: count, us: ((performance.now() - startMs) * 1000) / texts.length };
  };

  const rounds = Math.ceil(COUNT / (BATCH * forger.kinds.length));
  for (let round = 0; round < rounds; round++) {
    const baseline = measure(first.batch());
    expect(baseline.opened).toBe(BATCH);
    honest.push(baseline.us);
    for (const kind of forger.kinds) {
      const result = measure(Array.from({ length: BATCH }, () => forger.forge(kind)));
      opened.set(kind, (opened.get(kind) ?? 0) + result.opened);
      costs.set(kind, [...(costs.get(kind) ?? []), result.us]);
    }
  }

  const baselineUs = median(honest);
  const rows = forger.kinds.map((kind) => {
    const us = median(costs.get(kind) ?? []);
    return {
      kind,
      opened: opened.get(kind),
      us: Number(us.toFixed(2)),
      ratio: Number((us / baselineUs).toFixed(2)),
    };
  });
  const total = rounds * BATCH * forger.kinds.length;
  console.log(`${total} forged tokens; one that opens, with nothing remembered: ${baselineUs.toFixed(2)} us`);
  console.table(rows);
  expect(total).toBeGreaterThanOrEqual(COUNT);
  expect(rows.filter((row) => row.opened !== 0)).toEqual([]);
  expect(rows.filter((row) => row.ratio > MAX_RATIO)).toEqual([]);
});
