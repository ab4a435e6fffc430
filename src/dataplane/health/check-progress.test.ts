// What check results make of an endpoint, as Envoy's health checker would have it.
import { expect, test } from "vitest";
import type { HealthCheck } from "../../model/index.ts";
import { CheckProgress, type CheckResult } from "./check-progress.ts";

const CHECK: HealthCheck = {
  check: { kind: "tcp" },
  intervalMs: 5_000,
  timeoutMs: 1_000,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
};

/** The state after every result. */
function states(...results: CheckResult[]): string[] {
  const progress = new CheckProgress();
  return results.map((result) => {
    progress.record(result, CHECK);
    return progress.state;
  });
}

test("nobody is known before the first result, and that one counts at once, either way", () => {
  expect(new CheckProgress().state).toBe("pending");
  expect(states("passed")).toEqual(["passing"]);
  expect(states("failed")).toEqual(["failing"]);
});

test("so many failures in a row make an endpoint unhealthy", () => {
  expect(states("passed", "failed", "failed", "failed")).toEqual([
    "passing",
    "passing",
    "passing",
    "failing",
  ]);
  expect(states("passed", "failed", "failed", "passed", "failed", "failed").at(-1)).toBe("passing");
});

test("an answer that refuses waits for no threshold", () => {
  expect(states("passed", "failedAtOnce")).toEqual(["passing", "failing"]);
});

test("so many successes in a row make it healthy again", () => {
  expect(states("failed", "passed", "passed")).toEqual(["failing", "failing", "passing"]);
  expect(states("failed", "passed", "failed", "passed").at(-1)).toBe("failing");
});

test("failures of an endpoint that is unhealthy already begin no run of their own", () => {
  expect(states("failed", "failed", "failed", "passed", "passed", "failed").at(-1)).toBe("passing");
});

test("after a failure the pace is the one for unhealthy endpoints, where there is one", () => {
  const progress = new CheckProgress();
  progress.record("passed", CHECK);
  expect(progress.pauseMs({ ...CHECK, unhealthyIntervalMs: 100 })).toBe(5_000);
  progress.record("failed", CHECK);
  expect(progress.pauseMs({ ...CHECK, unhealthyIntervalMs: 100 })).toBe(100);
  expect(progress.pauseMs(CHECK)).toBe(5_000);
});
