// Tests of the bounded memory.
import { expect, test } from "vitest";
import { Recent } from "./recent.ts";

function recentOf(maxEntries: number, maxSize = Number.POSITIVE_INFINITY): Recent<number> {
  return new Recent<number>(maxEntries, maxSize, (_, value) => value);
}

function fill(recent: Recent<number>, from: number, to: number): void {
  for (let number = from; number < to; number++) recent.set(`${number}`, number);
}

test("it never holds more than two generations", () => {
  const recent = recentOf(10);
  fill(recent, 1, 1000);
  expect(recent.size).toBeLessThanOrEqual(20);
  expect(recent.get("999")).toBe(999);
  expect(recent.get("1")).toBeUndefined();
});

test("what is asked for stays, whatever comes in between", () => {
  const recent = recentOf(10);
  recent.set("0", 0);
  for (let round = 0; round < 50; round++) {
    fill(recent, 1 + round * 9, 10 + round * 9);
    expect(recent.get("0")).toBe(0);
  }
});

test("sizes count beside entries", () => {
  const recent = recentOf(1000, 100);
  fill(recent, 60, 70);
  expect(recent.size).toBe(2);
  expect(recent.get("69")).toBe(69);
});
