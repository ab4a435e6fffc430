// A Deployment is rolled out under traffic: two replicas of the gateway, and a thousand sessions whose pods are all replaced.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";
import { Clients, idlingFor } from "../rollout/clients.ts";
import { SessionLedger } from "../rollout/session-ledger.ts";
import { LimpetFleet } from "./limpet-fleet.ts";
import { SESSION_APPLICATION_IMAGE, SessionApplication } from "./session-application.ts";

const REQUESTS_PER_SEC = 200;
const SESSIONS = 1_000;
const NEWCOMERS = 50;
const REPLICAS = 4;

const startMs = performance.now();
const ledger = new SessionLedger(undefined, () => performance.now() - startMs);

let cluster: Cluster;
let application: SessionApplication;
let limpets: LimpetFleet;
let clients: Clients;

beforeAll(async () => {
  cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    images: [SESSION_APPLICATION_IMAGE],
  });
  application = new SessionApplication(cluster, ledger);
  limpets = new LimpetFleet(cluster);
  await application.start(REPLICAS);
  const port = await limpets.start();
  clients = new Clients({ port, ledger, busy: 0, idling: idlingFor(REQUESTS_PER_SEC) });
}, 600_000);

afterAll(async () => {
  await clients?.stop();
  await limpets?.stop();
  await application?.stop();
  await cluster?.stop();
});

const pods = async (): Promise<readonly string[]> => {
  const names = await cluster.kubectl(["get", "pods", "-l", "app=carts", "-o", "name"]);
  return names.split("\n").filter((name) => name !== "");
};

/** Resolves when no pod is left of those that there were. */
async function rollOut(...command: readonly string[]): Promise<void> {
  const before = await pods();
  await cluster.kubectl(command);
  const early = clients.begin(NEWCOMERS);
  await application.rolledOut();
  await early;
  await clients.begin(NEWCOMERS);
  const isOver = async () => !(await pods()).some((pod) => before.includes(pod));
  await until(isOver, "the last of the old pods to go", 60_000);
}

test("all pods are replaced, twice: no request fails, and no session leaves a pod that lives", {
  timeout: 300_000,
}, async () => {
  await clients.begin(SESSIONS);
  clients.start();
  await clients.rounds.complete();
  const [requests, fromMs] = [ledger.requests, ledger.nowMs()];
  await rollOut("rollout", "restart", "deployment/carts");
  await rollOut("set", "env", "deployment/carts", "VERSION=2");
  await clients.rounds.complete();
  const seconds = (ledger.nowMs() - fromMs) / 1_000;
  const perSec = Math.round((ledger.requests - requests) / seconds);
  await clients.stop();
  ledger.judgeHomes(clients.rounds.sessions);

  const { begun, kept, keptWhileDraining, moved, failed } = ledger;
  const { retries } = clients;
  const logged = await limpets.logged();
  const told = {
    requests: ledger.requests,
    perSec,
    sessions: begun,
    kept,
    keptWhileDraining,
    moved,
    retries,
  };
  process.stdout.write(`rollout: ${JSON.stringify({ ...told, failed, logged })}\n`);
  expect(ledger.failures).toEqual([]);
  expect(limpets.refused).toBe(0);
  expect(application.came).toBe(3 * REPLICAS);
  expect(begun).toBe(SESSIONS + 4 * NEWCOMERS);
  expect(perSec).toBeGreaterThan(REQUESTS_PER_SEC * 0.8);
  // All pods have gone twice, so everybody has moved, and while their pods went they stayed there.
  expect(moved).toBeGreaterThanOrEqual(SESSIONS);
  expect(keptWhileDraining).toBeGreaterThan(100);
  expect(logged).toEqual({ "new 200 -": begun, "kept 200 -": kept, "moved 200 -": moved });
});
