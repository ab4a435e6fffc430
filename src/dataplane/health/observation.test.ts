// When a worker tells what it sees: soon after a failure, later for successes, and nothing where nobody detects outliers.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backendOf, statesOf } from "../../../test/support/affinity.ts";
import type { OutlierDetection } from "../../model/index.ts";
import { FAILURE_DELAY_MS, type Observation, ObservationBatch, SUCCESS_DELAY_MS } from "./observation.ts";

const DETECTION: OutlierDetection = {
  consecutive5xx: 5,
  consecutiveGatewayErrors: 5,
  consecutiveLocalErrors: 5,
  splitLocalErrors: false,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 100,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function observed(detection?: OutlierDetection) {
  const told: Observation[][] = [];
  const batch = new ObservationBatch((observations) => told.push([...observations]));
  const over = detection === undefined ? {} : { outlierDetection: detection };
  const backend = statesOf(backendOf("b", ["10.0.0.1:80", "10.0.0.2:80"], over)).get("b");
  const [one, two] = backend?.endpoints ?? [];
  if (backend === undefined || one === undefined || two === undefined) throw new Error("no endpoints");
  return { told, batch, backend, one, two };
}

test("successes are told together, later", () => {
  const { told, batch, backend, one, two } = observed(DETECTION);
  for (let i = 0; i < 50; i++) batch.answered(backend, i % 2 === 0 ? one : two, 200);
  vi.advanceTimersByTime(SUCCESS_DELAY_MS - 1);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.map((batches) => batches.map(({ answers }) => answers.total))).toEqual([[25, 25]]);
  vi.advanceTimersByTime(10 * SUCCESS_DELAY_MS);
  expect(told).toHaveLength(1);
});

test("a failure is told soon, with the successes before it", () => {
  const { told, batch, backend, one } = observed(DETECTION);
  batch.answered(backend, one, 200);
  batch.failed(backend, one, "connect-failed");
  batch.answered(backend, one, 503);
  vi.advanceTimersByTime(FAILURE_DELAY_MS);
  expect(told).toHaveLength(1);
  expect(told[0]?.[0]).toMatchObject({
    backend: "b",
    address: "10.0.0.1:80",
    answers: { total: 3, failed: 2 },
    serverErrors: { lead: 0, last: 2, longest: 2, broken: true },
  });
});

test("failures that go on do not put the telling off", () => {
  const { told, batch, backend, one } = observed(DETECTION);
  for (let i = 0; i < 10; i++) {
    batch.answered(backend, one, 500);
    vi.advanceTimersByTime(FAILURE_DELAY_MS / 2);
  }
  expect(told.length).toBeGreaterThanOrEqual(4);
});

test("backends without outlier detection are never told of", () => {
  const { told, batch, backend, one } = observed();
  batch.answered(backend, one, 500);
  batch.failed(backend, one, "connect-failed");
  vi.advanceTimersByTime(SUCCESS_DELAY_MS);
  batch.flush();
  expect(told).toEqual([]);
});
