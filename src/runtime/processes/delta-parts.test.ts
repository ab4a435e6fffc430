// Deltas in pieces arrive as they left.
import { expect, test } from "vitest";
import type { Backend, SnapshotDelta } from "../../model/index.ts";
import { DEFAULT_LOAD_BALANCER } from "../../model/index.ts";
import { DeltaAssembly, deltaParts } from "./delta-parts.ts";

function backend(name: string): Backend {
  return {
    id: `Service/default/${name}:80`,
    object: { group: "", kind: "Service", namespace: "default", name },
    endpoints: [],
    loadBalancer: DEFAULT_LOAD_BALANCER,
    panicThresholdPercent: 50,
  };
}

const BACKENDS = Array.from({ length: 50 }, (_, index) => backend(`b${index}`));
const DELTA: SnapshotDelta = {
  base: 3,
  version: 4,
  listeners: [{ from: 0, count: 2 }],
  routes: [],
  tlsRoutes: [],
  backends: [{ from: 0, count: 7 }, { put: BACKENDS }, { from: 9, count: 1 }],
};

function assembled(parts: readonly string[]): SnapshotDelta {
  const assembly = new DeltaAssembly();
  for (const part of parts) assembly.add(part);
  return assembly.take(3, 4);
}

test("parts stay below their size and keep the order of the steps", () => {
  const parts = deltaParts(DELTA, 1000);
  expect(parts.length).toBeGreaterThan(5);
  expect(parts.every((part) => part.length <= 1010)).toBe(true);
  const { backends, listeners } = assembled(parts);
  expect(listeners).toEqual(DELTA.listeners);
  expect(backends.at(0)).toEqual({ from: 0, count: 7 });
  expect(backends.at(-1)).toEqual({ from: 9, count: 1 });
  expect(backends.flatMap((edit) => ("put" in edit ? edit.put : []))).toEqual(BACKENDS);
});

test("an entry that is larger than a part travels alone", () => {
  expect(deltaParts(DELTA, 1)).toHaveLength(53);
  expect(assembled(deltaParts(DELTA, 1)).backends).toHaveLength(52);
});

test("no change is no part", () => {
  expect(deltaParts({ base: 1, version: 2, listeners: [], routes: [], tlsRoutes: [], backends: [] })).toEqual(
    [],
  );
});
