// Even draws cover what random ones would, with far fewer of them.
import { expect, test } from "vitest";
import { evenDraws } from "./even-draws.ts";

test("a draw gives numbers in [0, 1), the same for the same draw", () => {
  const numbers = (draw: number) => Array.from({ length: 30 }, evenDraws(draw));
  for (const number of numbers(500)) {
    expect(number).toBeGreaterThanOrEqual(0);
    expect(number).toBeLessThan(1);
  }
  expect(numbers(500)).toEqual(numbers(500));
  expect(numbers(500)).not.toEqual(numbers(501));
});

test("pairs of numbers fall evenly on a grid", () => {
  const cells = new Map<string, number>();
  for (let draw = 0; draw < 540; draw++) {
    const random = evenDraws(draw);
    const cell = `${Math.floor(random() * 4)} ${Math.floor(random() * 3)}`;
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  expect(cells.size).toBe(12);
  for (const count of cells.values()) expect(Math.abs(count - 45)).toBeLessThanOrEqual(2);
});
