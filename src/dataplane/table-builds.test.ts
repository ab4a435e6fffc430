// Tests of building in slices while requests wait.
import { expect, test } from "vitest";
import { runInSlices } from "./slices.ts";
import { TableBuilds, type TableWaiter } from "./table-builds.ts";

class Waiter implements TableWaiter {
  told: string[] = [];

  onTableReady(): void {
    this.told.push("ready");
  }

  onTableFailed(cause: unknown): void {
    this.told.push((cause as Error).message);
  }
}

/** Time passes by a millisecond whenever somebody looks. */
function tickingClock() {
  let nowMs = 0;
  return { wallMs: () => nowMs, monotonicMs: () => nowMs++ };
}

/** Needs so many steps. */
class Work {
  slices = 0;
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  step(shouldYield: () => boolean): boolean {
    this.slices += 1;
    while (this.left > 0) {
      this.left -= 1;
      if (shouldYield()) break;
    }
    return this.left === 0;
  }
}

test("work is done in slices and other work gets its turn in between", async () => {
  const work = new Work(20);
  let turns = 0;
  const count = () => {
    turns += 1;
    if (work.left > 0) setImmediate(count);
  };
  setImmediate(count);
  await new Promise<void>((resolve, reject) => runInSlices(work, tickingClock(), resolve, reject));
  expect(work.slices).toBeGreaterThan(3);
  expect(turns).toBeGreaterThan(3);
});

test("all who wait are told once, and the table is built once", async () => {
  const builds = new TableBuilds(tickingClock());
  const work = new Work(1);
  const waiters = [new Waiter(), new Waiter()];
  for (const waiter of waiters) builds.wait(work, waiter);
  expect(waiters.map(({ told }) => told)).toEqual([[], []]);
  await expect.poll(() => waiters.map(({ told }) => told)).toEqual([["ready"], ["ready"]]);
  expect(work.slices).toBe(1);
});

test("who left is not told, and work that nobody waits for stops", async () => {
  const builds = new TableBuilds(tickingClock());
  const work = new Work(1000);
  const waiter = new Waiter();
  builds.wait(work, waiter);
  builds.leave(waiter);
  const other = new Waiter();
  builds.wait(new Work(1), other);
  await expect.poll(() => other.told).toEqual(["ready"]);
  expect(work.left).toBe(1000);
  expect(waiter.told).toEqual([]);
  builds.wait(work, other);
  await expect.poll(() => other.told).toEqual(["ready", "ready"]);
});

test("a build that fails tells those who wait", async () => {
  const builds = new TableBuilds(tickingClock());
  const waiter = new Waiter();
  const broken = {
    step: (): boolean => {
      throw new Error("broken");
    },
  };
  builds.wait(broken, waiter);
  await expect.poll(() => waiter.told).toEqual(["broken"]);
});
