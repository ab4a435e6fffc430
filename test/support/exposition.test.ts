// The strict reader of Prometheus' text format refuses what a server would refuse.
import { expect, test } from "vitest";
import { parseExposition, total } from "./exposition.ts";

const COUNTER = "# HELP a_total Of a.\n# TYPE a_total counter\n";
const HISTOGRAM = "# HELP h_seconds Of h.\n# TYPE h_seconds histogram\n";
const BUCKETS = 'h_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="+Inf"} 2\n';

test("families, labels and values", () => {
  const families = parseExposition(
    `${COUNTER}a_total{x="1",y="q\\"\\\\\\n"} 2\na_total{x="2",y=""} 1e3\n\n${HISTOGRAM}${BUCKETS}h_seconds_sum 4\nh_seconds_count 2\n`,
  );
  expect(families.get("a_total")?.series[0]).toEqual({
    name: "a_total",
    labels: { x: "1", y: 'q"\\\n' },
    value: 2,
  });
  expect(total(families, "a_total")).toBe(1002);
  expect(total(families, "a_total", { x: "1" })).toBe(2);
  expect(total(families, "h_seconds_bucket", { le: "1" })).toBe(1);
  expect(total(families, "h_seconds_count")).toBe(2);
});

test.each([
  ["no newline at the end", `${COUNTER}a_total 1`],
  ["no TYPE", "# HELP a_total Of a.\na_total 1\n"],
  ["no HELP", "# TYPE a_total counter\na_total 1\n"],
  ["a family twice", `${COUNTER}a_total 1\n${COUNTER}a_total{x="1"} 1\n`],
  ["a series twice", `${COUNTER}a_total{x="1"} 1\na_total{x="1"} 2\n`],
  ["a sample of another family", `${COUNTER}b_total 1\n`],
  ["a quote that is not escaped", `${COUNTER}a_total{x="a"b"} 1\n`],
  ["an escape that is none", `${COUNTER}a_total{x="a\\t"} 1\n`],
  ["a label twice", `${COUNTER}a_total{x="1",x="2"} 1\n`],
  ["a value that is none", `${COUNTER}a_total one\n`],
  ["a counter that is not called so", "# HELP a Of a.\n# TYPE a counter\na 1\n"],
  ["a counter below zero", `${COUNTER}a_total -1\n`],
  ["no +Inf", `${HISTOGRAM}h_seconds_bucket{le="1"} 1\nh_seconds_sum 1\nh_seconds_count 1\n`],
  ["no sum", `${HISTOGRAM}${BUCKETS}h_seconds_count 2\n`],
  ["a count of its own", `${HISTOGRAM}${BUCKETS}h_seconds_sum 4\nh_seconds_count 3\n`],
  [
    "counts that shrink",
    `${HISTOGRAM}h_seconds_bucket{le="1"} 3\nh_seconds_bucket{le="+Inf"} 2\nh_seconds_sum 4\nh_seconds_count 2\n`,
  ],
  [
    "bounds out of order",
    `${HISTOGRAM}h_seconds_bucket{le="2"} 1\nh_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="+Inf"} 2\nh_seconds_sum 4\nh_seconds_count 2\n`,
  ],
])("%s is refused", (_, text) => {
  expect(() => parseExposition(text)).toThrow();
});
