// Sizes of Maglev tables: prime numbers, and the next one as the hint.
import { expect, test } from "vitest";
import { maglevTableSize } from "./table-size.ts";

test.each([2, 1009, 65537, 5_000_011])("%i is a size", (size) => {
  expect(maglevTableSize.safeParse(size).success).toBe(true);
});

test.each([
  [4, 5],
  [65_536, 65_537],
  [5_000_010, 5_000_011],
])("%i is none, and %i is the next", (size, next) => {
  const { error } = maglevTableSize.safeParse(size);
  expect(error?.issues).toMatchObject([{ params: { hint: `write ${next}` } }]);
});

test.each([1, 0, -7, 1.5, 5_000_039])("%d is out of bounds or no whole number", (size) => {
  expect(maglevTableSize.safeParse(size).success).toBe(false);
});
