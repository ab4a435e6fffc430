// The timer behind all timeouts: never early, and gone when nobody waits.
import { expect, test, vi } from "vitest";
import { DeadlineSweep } from "./deadline-sweep.ts";

test("a stamp is never earlier than the real time, so that no wait looks longer than it was", () => {
  let nowMs = 0;
  const sweep = new DeadlineSweep(
    { wallMs: () => 0, monotonicMs: () => nowMs },
    Number.POSITIVE_INFINITY,
    100,
  );
  const looks: number[] = [];
  const connection = { sweep: (at: number) => looks.push(at) };
  sweep.add(connection);
  nowMs = 99;
  const stampMs = sweep.stampMs;
  expect(stampMs).toBeGreaterThanOrEqual(nowMs);
  nowMs = 1_000;
  sweep.run();
  expect((looks[0] ?? 0) - stampMs).toBeLessThanOrEqual(1_000 - 99);
  sweep.delete(connection);
});

test("connections are looked at by themselves, as long as they are there", () => {
  vi.useFakeTimers();
  try {
    let looks = 0;
    const connection = { sweep: () => (looks += 1) };
    const sweep = new DeadlineSweep({ wallMs: () => 0, monotonicMs: () => 0 }, Number.POSITIVE_INFINITY, 100);
    sweep.add(connection);
    vi.advanceTimersByTime(350);
    expect(looks).toBe(3);
    sweep.delete(connection);
    vi.advanceTimersByTime(1_000);
    expect(looks).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
