// Durations of Go: which texts are taken, and how many whole seconds they are.
import { expect, test } from "vitest";
import { goDuration, goDurationMs, goDurationSec } from "./go-duration.ts";

test.each([
  ["0s", 0],
  ["60s", 60],
  ["1h30m", 5400],
  ["1.5h", 5400],
  ["1m30.9s", 90],
  ["500ms", 0],
  ["999999999us", 999],
  ["0.1s0.2s0.7s", 1],
])("%s is %i seconds", (text, seconds) => {
  expect(goDuration.safeParse(text).success).toBe(true);
  expect(goDurationSec(text)).toBe(seconds);
});

test.each(["", "60", "-1s", "1 h", "1d", "s", ".s"])("%j is no duration", (text) => {
  expect(goDuration.safeParse(text).success).toBe(false);
});

test.each([
  ["0s", 0],
  ["1.5s", 1500],
  ["0.1s0.2s", 300],
  ["1us", 1],
])("%s is %i milliseconds", (text, ms) => {
  expect(goDurationMs(text)).toBe(ms);
});
