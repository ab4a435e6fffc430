// The pace of checks and of looks, with a clock that the test moves: times that no timer can wait are still long.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backend, endpoint } from "../../../test/support/snapshots.ts";
import type { HealthCheck } from "../../model/index.ts";
import { PlainResponseHead } from "../plain-head.ts";
import type { ClientStreamHandlers } from "../stream.ts";
import { CheckedEndpoint } from "./checked-endpoint.ts";
import { HealthWatch } from "./health-watch.ts";
import { addFailure, newStreak } from "./streak.ts";

/** 1,000 hours: more than a timer of Node.js can wait. */
const LONG_MS = 1_000 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

const CHECK: HealthCheck = {
  check: {
    kind: "http",
    method: "GET",
    path: "/",
    headers: [],
    expected: [{ from: 200, to: 200 }],
    retriable: [],
  },
  intervalMs: LONG_MS,
  timeoutMs: LONG_MS,
  healthyThreshold: 1,
  unhealthyThreshold: 1,
};
const at = endpoint("10.0.0.1:80");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Endpoints that answer when the test says so. */
function silentConnections() {
  const asked: ClientStreamHandlers[] = [];
  const stream = {
    reused: false,
    write: () => true,
    end: () => {},
    abort: () => {},
    pauseBody: () => {},
    resumeBody: () => {},
  };
  return {
    asked,
    exchange: () => ({
      send: (_request: unknown, handlers: ClientStreamHandlers) => {
        asked.push(handlers);
        return stream;
      },
      close: () => {},
    }),
    update: () => {},
    open: () => {
      throw new Error("no check over TCP");
    },
  };
}

test("a long timeout and a long interval are waited for", async () => {
  const connections = silentConnections();
  const results: string[] = [];
  const checked = new CheckedEndpoint(backend("b", [at], { healthChecks: [CHECK] }), at, {
    connections,
    random: () => 0,
    onResult: (_endpoint, { result }) => results.push(result),
  });
  await vi.advanceTimersByTimeAsync(DAY_MS);
  expect([connections.asked.length, results]).toEqual([1, []]);
  connections.asked[0]?.onHead(new PlainResponseHead(200, "OK", []), 0);
  connections.asked[0]?.onEnd([]);
  await vi.advanceTimersByTimeAsync(DAY_MS);
  expect([connections.asked.length, results]).toEqual([1, ["passed"]]);
  checked.stop();
});

test("so is a long time between two looks for outliers", async () => {
  const watch = new HealthWatch({
    connections: silentConnections(),
    monotonicMs: () => performance.now(),
    random: () => 0,
    logger: { info: () => {}, debug: () => {} },
    onChange: () => {},
  });
  const one = backend("b", [at], {
    outlierDetection: {
      consecutive5xx: 1,
      consecutiveGatewayErrors: 0,
      consecutiveLocalErrors: 0,
      splitLocalErrors: false,
      intervalMs: LONG_MS,
      baseEjectionMs: 1,
      maxEjectionMs: 1,
      maxEjectionPercent: 100,
    },
  });
  watch.watch(one);
  const serverErrors = newStreak();
  addFailure(serverErrors);
  const told = { total: 1, failed: 1 };
  watch.observe([
    {
      backend: one.id,
      address: at.address,
      answers: told,
      serverErrors,
      gatewayErrors: newStreak(),
      connections: told,
      localErrors: newStreak(),
    },
  ]);
  await vi.advanceTimersByTimeAsync(DAY_MS);
  expect(watch.verdict(one, at.address)).toBe("ejected");
  watch.stop();
});
