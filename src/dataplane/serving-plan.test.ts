// What a plan keeps alive: everything that it serves, and no plan before it.
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { backend, endpoint, snapshotOf } from "../../test/support/snapshots.ts";
import { emptyServingPlan, type ServingPlan, ServingPlanBuild } from "./serving-plan.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const BACKEND = backend("cart", [endpoint("10.0.0.1:80")]);

function next(before: ServingPlan, version: number): ServingPlan {
  const build = new ServingPlanBuild(snapshotOf({ backends: [BACKEND], version }), before);
  while (!build.step(() => true));
  return build.plan as ServingPlan;
}

test("plans that are served no more can be collected", async () => {
  let plan = emptyServingPlan({ wallMs: () => 0 });
  const before: WeakRef<ServingPlan>[] = [];
  for (let version = 1; version <= 5; version++) {
    plan = next(plan, version);
    before.push(new WeakRef(plan));
  }
  await turn();
  collectGarbage();
  const alive = before.map((ref) => ref.deref()?.snapshot.version);
  expect(alive).toEqual([undefined, undefined, undefined, undefined, 5]);
  expect(plan.ports.size).toBe(1);
});
