// Counters outlive workers, gauges do not.
import { expect, test } from "vitest";
import { Histogram, METRICS } from "../../telemetry/index.ts";
import { WorkerCounts } from "./worker-counts.ts";

const COUNTER = "limpet_upstream_connects_total";
const GAUGE = "limpet_requests_in_flight";

function counted(backend: string, value: number) {
  return { name: COUNTER, labels: { backend }, value };
}

function sums(counts: WorkerCounts): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { name, labels, value } of counts.samples()) {
    const key = [name, ...Object.values(labels)].join(" ");
    result[key] = (result[key] ?? 0) + value;
  }
  return result;
}

test("counters of workers that are gone stay in the sum", () => {
  const counts = new WorkerCounts();
  counts.update(1, [counted("a", 3), { name: GAUGE, labels: {}, value: 2 }]);
  counts.update(2, [counted("a", 1), counted("b", 1)]);
  expect(sums(counts)).toEqual({ [`${COUNTER} a`]: 4, [`${COUNTER} b`]: 1, [GAUGE]: 2 });
  counts.bury(1);
  expect(sums(counts)).toEqual({ [`${COUNTER} a`]: 4, [`${COUNTER} b`]: 1 });
  counts.update(1, [counted("a", 2)]);
  counts.bury(1);
  expect(sums(counts)).toEqual({ [`${COUNTER} a`]: 6, [`${COUNTER} b`]: 1 });
});

test("a later answer of a worker replaces its earlier one", () => {
  const counts = new WorkerCounts();
  counts.update(1, [counted("a", 3)]);
  counts.update(1, [counted("a", 5)]);
  expect(sums(counts)).toEqual({ [`${COUNTER} a`]: 5 });
});

test("histograms of workers that are gone stay in the sum", () => {
  const counts = new WorkerCounts();
  const seen = (...values: number[]) => {
    const histogram = new Histogram(METRICS.limpet_upstream_response_seconds.buckets);
    for (const value of values) histogram.observe(value);
    const { count: value, counts } = histogram;
    return { name: "limpet_upstream_response_seconds", labels: { backend: "a" }, value, histogram: counts };
  };
  counts.update(1, [seen(0.0001, 20)]);
  counts.bury(1);
  counts.update(1, [seen(0.0002)]);
  counts.bury(1);
  const [sum, ...others] = counts.samples();
  expect(others).toEqual([]);
  expect(sum?.value).toBe(3);
  expect(sum?.histogram?.counts.at(0)).toBe(2);
  expect(sum?.histogram?.counts.at(-1)).toBe(1);
  expect(sum?.histogram?.sum).toBeCloseTo(20.0003);
});
