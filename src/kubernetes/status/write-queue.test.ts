// How writes are kept in bounds: the order, how many at a time and a second, and how often again.
import { expect, test } from "vitest";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type WriteLimits, WriteQueue } from "./write-queue.ts";

function queue({
  limits = { inFlight: 100, perSecond: 1000, burst: 1000 },
  write = async () => undefined,
}: {
  limits?: WriteLimits;
  write?: (key: string, signal: AbortSignal) => Promise<void>;
} = {}) {
  const clock = new ManualClock();
  const begun: { key: string; atMs: number }[] = [];
  const startMs = clock.monotonicMs();
  const made = new WriteQueue({
    limits,
    clock,
    write: (key, signal) => {
      begun.push({ key, atMs: clock.monotonicMs() - startMs });
      return write(key, signal);
    },
    delayMs: (_, attempt) => 100 * attempt,
  });
  return { clock, begun, made, keys: () => begun.map(({ key }) => key) };
}

/** A write that ends when the test says so. */
function held() {
  const ends: (() => void)[] = [];
  return { ends, write: () => new Promise<void>((resolve) => ends.push(resolve)) };
}

test("what is urgent goes first, and else whoever came first", async () => {
  const { ends, write } = held();
  const { made, keys, clock } = queue({ limits: { inFlight: 1, perSecond: 1000, burst: 1000 }, write });
  for (const [key, urgency] of [
    ["a", 1],
    ["b", 2],
    ["c", 1],
    ["d", 0],
  ] as const)
    made.add(key, urgency);
  for (let count = 0; count < 4; count++) {
    ends[count]?.();
    await clock.advance(1);
  }
  expect(keys()).toEqual(["a", "d", "c", "b"]);
});

test("so many at a time, and a key that waits waits once", async () => {
  const { ends, write } = held();
  const { made, keys, clock } = queue({ limits: { inFlight: 2, perSecond: 1000, burst: 1000 }, write });
  for (const key of ["a", "b", "c", "c", "c"]) made.add(key, 1);
  expect(keys()).toEqual(["a", "b"]);
  expect(made.size).toBe(3);
  ends[0]?.();
  await clock.advance(1);
  expect(keys()).toEqual(["a", "b", "c"]);
});

test("a burst, and then so many a second", async () => {
  const { made, begun, clock } = queue({ limits: { inFlight: 100, perSecond: 10, burst: 5 } });
  for (let key = 0; key < 8; key++) made.add(`k${key}`, 1);
  await clock.advance(1000);
  expect(begun.map(({ atMs }) => Math.round(atMs))).toEqual([0, 0, 0, 0, 0, 100, 200, 300]);
  expect(made.size).toBe(0);
});

test("what changes while it is written is written again", async () => {
  const { ends, write } = held();
  const { made, keys, clock } = queue({ write });
  made.add("a", 1);
  made.add("a", 1);
  made.add("a", 1);
  expect(keys()).toEqual(["a"]);
  ends[0]?.();
  await clock.advance(1);
  expect(keys()).toEqual(["a", "a"]);
  ends[1]?.();
  await clock.advance(1000);
  expect(keys()).toEqual(["a", "a"]);
});

test("what failed comes back, later each time, however often it is added, and others do not wait for it", async () => {
  let failures = 3;
  const { made, begun, clock } = queue({
    write: async (key) => {
      if (key === "a" && failures-- > 0) throw new Error("no");
    },
  });
  made.add("a", 0);
  await clock.advance(10);
  made.add("a", 0);
  made.add("b", 1);
  await clock.advance(2000);
  made.add("a", 0);
  await clock.advance(1);
  expect(begun).toEqual([
    { key: "a", atMs: 0 },
    { key: "b", atMs: 10 },
    { key: "a", atMs: 100 },
    { key: "a", atMs: 300 },
    { key: "a", atMs: 600 },
    { key: "a", atMs: 2010 },
  ]);
});

test("cleared, it gives up what is under way and forgets the rest", async () => {
  const signals: AbortSignal[] = [];
  const { ends, write } = held();
  const { made, keys, clock } = queue({
    limits: { inFlight: 1, perSecond: 1000, burst: 1000 },
    write: (_, signal) => {
      signals.push(signal);
      return write();
    },
  });
  made.add("a", 1);
  made.add("b", 1);
  made.clear();
  expect(signals[0]?.aborted).toBe(true);
  expect(made.size).toBe(0);
  made.add("a", 1);
  ends[0]?.();
  await clock.advance(1000);
  expect(keys()).toEqual(["a", "a"]);
  expect(made.size).toBe(1);
});
