// A Deployment is rolled out under traffic: two replicas of the gateway, and a thousand sessions whose pods are all replaced.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../cluster/until.ts";
import { openTrafficStage, type TrafficStage } from "./traffic-stage.ts";

const REQUESTS_PER_SEC = 200;
const SESSIONS = 1_000;
const NEWCOMERS = 50;
const REPLICAS = 4;

let stage: TrafficStage;

beforeAll(async () => {
  stage = await openTrafficStage({ replicas: REPLICAS, requestsPerSec: REQUESTS_PER_SEC });
}, 600_000);

afterAll(() => stage?.close());

const pods = async (): Promise<readonly string[]> => {
  const names = await stage.cluster.kubectl(["get", "pods", "-l", "app=carts", "-o", "name"]);
  return names.split("\n").filter((name) => name !== "");
};

/** Resolves when no pod is left of those that there were. */
async function rollOut(...command: readonly string[]): Promise<void> {
  const before = await pods();
  await stage.cluster.kubectl(command);
  const early = stage.clients.begin(NEWCOMERS);
  await stage.application.rolledOut();
  await early;
  await stage.clients.begin(NEWCOMERS);
  const isOver = async () => !(await pods()).some((pod) => before.includes(pod));
  await until(isOver, "the last of the old pods to go", 60_000);
}

test("all pods are replaced, twice: no request fails, and no session leaves a pod that lives", {
  timeout: 300_000,
}, async () => {
  await stage.clients.begin(SESSIONS);
  stage.clients.start();
  await stage.clients.rounds.complete();
  const [requests, fromMs] = [stage.ledger.requests, stage.ledger.nowMs()];
  await rollOut("rollout", "restart", "deployment/carts");
  await rollOut("set", "env", "deployment/carts", "VERSION=2");
  await stage.clients.rounds.complete();
  const seconds = (stage.ledger.nowMs() - fromMs) / 1_000;
  const perSec = Math.round((stage.ledger.requests - requests) / seconds);
  await stage.clients.stop();
  stage.ledger.judgeHomes(stage.clients.rounds.sessions);

  const { begun, kept, keptWhileDraining, moved, failed } = stage.ledger;
  const { retries } = stage.clients;
  const logged = await stage.limpets.logged();
  const told = {
    requests: stage.ledger.requests,
    perSec,
    sessions: begun,
    kept,
    keptWhileDraining,
    moved,
    retries,
  };
  process.stdout.write(`rollout: ${JSON.stringify({ ...told, failed, logged })}\n`);
  expect(stage.ledger.failures).toEqual([]);
  expect(stage.limpets.refused).toBe(0);
  expect(stage.application.came).toBe(3 * REPLICAS);
  expect(begun).toBe(SESSIONS + 4 * NEWCOMERS);
  expect(perSec).toBeGreaterThan(REQUESTS_PER_SEC * 0.8);
  // All pods have gone twice, so everybody has moved, and while their pods went they stayed there.
  expect(moved).toBeGreaterThanOrEqual(SESSIONS);
  expect(keptWhileDraining).toBeGreaterThan(100);
  expect(logged).toEqual({ "new 200 -": begun, "kept 200 -": kept, "moved 200 -": moved });
});
