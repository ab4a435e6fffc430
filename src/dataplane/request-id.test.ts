// Tests of the request id.
import { expect, test } from "vitest";
import { newRequestId, requestIdOf } from "./request-id.ts";

test.each(["a", "A-z_0.9", "x".repeat(128)])("%s is kept", (id) => {
  expect(requestIdOf(id, () => 0)).toBe(id);
});

test.each(["", "x".repeat(129), "a b", "a\n", "ä", "a/b", undefined])("%j is replaced", (id) => {
  expect(requestIdOf(id, () => 0)).toBe("00000000-0000-4000-8000-000000000000");
});

test("a new one has the form of a random UUID at both ends of the randomness", () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(newRequestId(() => 1 - Number.EPSILON)).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  expect(newRequestId(Math.random)).toMatch(form);
  expect(newRequestId(Math.random)).not.toBe(newRequestId(Math.random));
});
