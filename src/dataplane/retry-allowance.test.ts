// What a backend puts up with: a share of its requests over a while, a least number, and so many at a time.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backend } from "../../test/support/snapshots.ts";
import type { RetryBudget } from "../model/index.ts";
import { RetryAllowances } from "./retry-allowance.ts";

const BUDGET: RetryBudget = { percent: 20, intervalMs: 10_000, minimum: { count: 0, intervalMs: 1_000 } };

class Clock {
  nowMs = 1_000_000;
  monotonicMs = () => this.nowMs;
}

function withBudget(budget: Partial<RetryBudget>, workers = 1) {
  const clock = new Clock();
  const allowances = new RetryAllowances(workers, clock);
  const retryBudget = { ...BUDGET, ...budget };
  const web = backend("web", [], { retryBudget });
  return {
    clock,
    request: () => allowances.onRequest(web, retryBudget),
    take: () => allowances.take(web) !== "over-budget",
    /** How many of so many retries are granted. */
    granted(count: number): number {
      return Array.from({ length: count }, () => this.take()).filter(Boolean).length;
    },
  };
}

describe("a budget", () => {
  test("lets a share of all be retries", () => {
    const budget = withBudget({});
    for (let count = 0; count < 800; count++) budget.request();
    // 200 of 1000.
    expect(budget.granted(500)).toBe(200);
  });

  test("forgets what was longer ago", () => {
    const budget = withBudget({});
    for (let count = 0; count < 800; count++) budget.request();
    budget.clock.nowMs += 9_000;
    expect(budget.granted(1)).toBe(1);
    budget.clock.nowMs += 2_000;
    expect(budget.granted(1)).toBe(0);
    budget.clock.nowMs += 3_600_000;
    expect(budget.granted(1)).toBe(0);
  });

  test("lets a least number pass however few the requests, in each interval anew", () => {
    const budget = withBudget({ percent: 0, minimum: { count: 10, intervalMs: 1_000 } });
    expect(budget.granted(30)).toBe(10);
    budget.clock.nowMs += 1_000;
    expect(budget.granted(30)).toBe(10);
  });

  test("is shared by the workers", () => {
    const budget = withBudget({ percent: 0, minimum: { count: 10, intervalMs: 1_000 } }, 4);
    expect(budget.granted(30)).toBe(3);
  });

  test("goes on when the backend changes otherwise, and begins anew when it changes itself", () => {
    const allowances = new RetryAllowances(1, new Clock());
    const minimum = { count: 1, intervalMs: 1_000 };
    const of = (percent: number) =>
      backend("web", [], { retryBudget: { percent, intervalMs: 10_000, minimum: { ...minimum } } });
    expect(allowances.take(of(0))).not.toBe("over-budget");
    expect(allowances.take(of(0))).toBe("over-budget");
    expect(allowances.take(of(1))).not.toBe("over-budget");
  });

  test("never lets more pass than its share of the last interval and its least number", () => {
    const step = fc.record({ waitMs: fc.nat(3_000), isRetry: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 100 }), (steps, percent) => {
        const budget = withBudget({ percent });
        const events: { readonly atMs: number; readonly isRetry: boolean }[] = [];
        for (const { waitMs, isRetry } of steps) {
          budget.clock.nowMs += waitMs;
          const atMs = budget.clock.nowMs;
          if (!isRetry) budget.request();
          if (isRetry && !budget.take()) continue;
          events.push({ atMs, isRetry });
          if (!isRetry) continue;
          const recent = events.filter((event) => event.atMs > atMs - 10_000);
          const shortest = recent.filter((event) => event.atMs > atMs - 9_000);
          const retries = shortest.filter((event) => event.isRetry).length;
          expect(retries * 100).toBeLessThanOrEqual(recent.length * percent);
        }
      }),
    );
  });
});

describe("so many at a time", () => {
  test("until one is over", () => {
    const allowances = new RetryAllowances(1, new Clock());
    const web = backend("web", [], { limits: { maxRetries: 2 } });
    const first = allowances.take(web);
    allowances.take(web);
    expect(allowances.take(web)).toBe("too-many");
    if (typeof first === "object") first.release();
    expect(allowances.take(web)).toBe(first);
  });

  test("0 is none", () => {
    const allowances = new RetryAllowances(1, new Clock());
    expect(allowances.take(backend("web", [], { limits: { maxRetries: 0 } }))).toBe("too-many");
  });

  test("a backend without limits counts nothing", () => {
    expect(new RetryAllowances(1, new Clock()).take(backend("web", []))).toBeUndefined();
  });
});
