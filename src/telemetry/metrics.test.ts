// The table of metrics and its text form.
import { expect, test } from "vitest";
import { METRICS, renderMetrics } from "./metrics.ts";

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
  }
});
