// Counters outlive workers, gauges do not.
import { expect, test } from "vitest";
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
