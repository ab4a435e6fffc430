// Tests of the request id.
import { expect, test } from "vitest";
import { RequestIds } from "./request-id.ts";

test.each(["a", "A-z_0.9", "x".repeat(128)])("%s is kept", (id) => {
  expect(new RequestIds(() => 0).idOf(id)).toBe(id);
});

test.each(["", "x".repeat(129), "a b", "a\n", "ä", "a/b", undefined])("%j is replaced", (id) => {
  expect(new RequestIds(() => 0).idOf(id)).toBe("00000000-0000-4000-8000-000000000000");
});

test("a new one has the form of a random UUID at the other end of the randomness too", () => {
  expect(new RequestIds(() => 1 - Number.EPSILON).next()).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
});

test("every digit of every new one is random", () => {
  const ids = new RequestIds(Math.random);
  const made = Array.from({ length: 2_000 }, () => ids.next());
  expect(new Set(made).size).toBe(made.length);
  for (const id of made) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  const digitsAt = (position: number) => new Set(made.map((id) => id[position])).size;
  const expected = [..."xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx"].map((mark) =>
    mark === "x" ? 16 : mark === "v" ? 4 : 1,
  );
  expect(expected.map((_, position) => digitsAt(position))).toEqual(expected);
});
