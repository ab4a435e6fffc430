// What the fields of Envoy's retry policy mean at their bounds.
import { expect, test } from "vitest";
import { retryOf } from "./envoy-retry.ts";

test("a timeout of 0 for each attempt is none", () => {
  const parts = { attempts: 1, conditions: ["5xx"], statusCodes: [] };
  expect(retryOf({ ...parts, attemptTimeoutMs: 0 })).toEqual(retryOf(parts));
  expect(retryOf(parts)).not.toHaveProperty("attemptTimeoutMs");
  expect(retryOf({ ...parts, attemptTimeoutMs: 1 })).toHaveProperty("attemptTimeoutMs", 1);
});
