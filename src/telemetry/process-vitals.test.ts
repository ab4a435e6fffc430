// What a process tells of itself.
import { expect, test } from "vitest";
import { LoopDelay, ProcessVitals } from "./process-vitals.ts";
import { renderMetrics } from "./render-metrics.ts";

test("a loop that is busy gets to its timer late", () => {
  const loop = new LoopDelay(1000);
  loop.look(1199);
  loop.look(1399);
  loop.look(2000);
  expect(loop.delays.count).toBe(3);
  expect(loop.delays.counts.sum).toBeCloseTo(0.401);
  // After a late look the next one is due later, not at once.
  loop.look(2200);
  expect(loop.delays.counts.sum).toBeCloseTo(0.401);
});

test("a process tells its CPU, memory and event loop by its name", async () => {
  const vitals = new ProcessVitals("worker-7");
  const value = (name: string) => vitals.samples().find((sample) => sample.name === name)?.value ?? 0;
  expect(value("limpet_process_resident_memory_bytes")).toBeGreaterThan(
    value("limpet_process_heap_used_bytes"),
  );
  const before = value("limpet_process_cpu_seconds_total");
  const until = performance.now() + 20;
  while (performance.now() < until);
  expect(value("limpet_process_cpu_seconds_total")).toBeGreaterThan(before);
  expect(value("limpet_process_event_loop_busy_seconds_total")).toBeGreaterThan(0);
  expect(await renderMetrics(vitals.samples())).toContain(
    'limpet_process_heap_used_bytes{process="worker-7"}',
  );
});
