// The measure of growth sees a leak and overlooks noise.
import { expect, test } from "vitest";
import { fittedGrowth, type Usage, usageOf } from "./growth.ts";

function samples(count: number, rssMb: (index: number) => number): Usage[] {
  return Array.from({ length: count }, (_, index) => ({
    atMs: index * 1000,
    rssMb: rssMb(index),
    handles: 10,
  }));
}

test("a steady leak is told in full, whatever the noise", () => {
  const leak = samples(61, (index) => 100 + index / 2 + 5 * Math.sin(index * 7));
  expect(fittedGrowth(leak, ({ rssMb }) => rssMb)).toBeGreaterThan(28);
  expect(fittedGrowth(leak, ({ rssMb }) => rssMb)).toBeLessThan(32);
});

test("what goes up and comes down again is no growth", () => {
  const saw = samples(61, (index) => 100 + (index % 10));
  expect(Math.abs(fittedGrowth(saw, ({ rssMb }) => rssMb))).toBeLessThan(2);
  expect(fittedGrowth(saw, ({ handles }) => handles)).toBe(0);
});

test("a process of this machine can be measured", () => {
  const usage = usageOf(process.pid);
  expect(usage.rssMb).toBeGreaterThan(10);
  expect(usage.handles).toBeGreaterThan(3);
});
