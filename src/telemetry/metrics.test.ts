// The table of metrics and its text form.
import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";
import { METRICS } from "./metrics.ts";
import { renderMetrics } from "./render-metrics.ts";

test("samples of several workers are summed per set of labels", async () => {
  const text = await renderMetrics([
    { name: "limpet_upstream_connects_total", labels: { backend: "a" }, value: 2 },
    { name: "limpet_upstream_connects_total", labels: { backend: "b" }, value: 1 },
    { name: "limpet_upstream_connects_total", labels: { backend: "a" }, value: 3 },
  ]);
  expect(text).toContain('limpet_upstream_connects_total{backend="a"} 5\n');
  expect(text).toContain('limpet_upstream_connects_total{backend="b"} 1\n');
  expect(text).toContain("# TYPE limpet_upstream_connects_total counter\n");
});

test("label values are escaped", async () => {
  const text = await renderMetrics([
    { name: "limpet_hash_key_missing_total", labels: { route: 'a"b\n' }, value: 1 },
  ]);
  expect(text).toContain('{route="a\\"b\\n"} 1');
});

test("a histogram tells how many values are at most as large as each bound", async () => {
  const durations = new Histogram(METRICS.limpet_request_duration_seconds.buckets);
  for (const seconds of [0.0001, 0.001, 0.002, 0.3, 11]) durations.observe(seconds);
  const sample = {
    name: "limpet_request_duration_seconds",
    labels: { route: "HTTPRoute/default/shop", backend: "b" },
    value: durations.count,
    histogram: durations.counts,
  };
  const lines = (await renderMetrics([sample, sample])).split("\n");
  const labels = 'backend="b",route="HTTPRoute/default/shop"';
  const value = (name: string, le?: string) => {
    const wanted = (line: string) =>
      line.startsWith(`limpet_request_duration_seconds_${name}{`) &&
      labels.split(",").every((label) => line.includes(label)) &&
      (le === undefined || line.includes(`le="${le}"`));
    return Number(lines.find(wanted)?.split(" ").at(-1));
  };
  expect(lines).toContain("# TYPE limpet_request_duration_seconds histogram");
  expect(value("bucket", "0.001")).toBe(4);
  expect(value("bucket", "0.25")).toBe(6);
  expect(value("bucket", "0.5")).toBe(8);
  expect(value("bucket", "10")).toBe(8);
  expect(value("bucket", "+Inf")).toBe(10);
  expect(value("count")).toBe(10);
  expect(value("sum")).toBeCloseTo(22.6062);
});

test("a name or a label that the table does not have is a defect", async () => {
  await expect(renderMetrics([{ name: "limpet_nothing", labels: {}, value: 1 }])).rejects.toThrow(
    "not in the table",
  );
  await expect(renderMetrics([{ name: "limpet_workers", labels: { a: "b" }, value: 1 }])).rejects.toThrow(
    "labels",
  );
});

test("names follow Prometheus' conventions", () => {
  for (const [name, kind] of Object.entries(METRICS)) {
    expect(name).toMatch(/^limpet_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(kind.type === "counter");
    expect(kind.help).toMatch(/\.$/);
    if (kind.type === "histogram") {
      expect(name).toMatch(/_(seconds|bytes)$/);
      expect(kind.buckets).toEqual(kind.buckets.toSorted((a, b) => a - b));
    }
  }
});
