// What befalls a cluster under traffic: API server, storage, leader, a replica, a storm of changes; clients notice nothing of it,
// and soon after everything is as it should be.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { until } from "../cluster/until.ts";
import { EndpointStorm } from "./endpoint-storm.ts";
import { GATEWAY } from "./limpet-fleet.ts";
import { openTrafficStage, type TrafficStage } from "./traffic-stage.ts";

const REQUESTS_PER_SEC = 100;
const SESSIONS = 500;
const AWAY_MS = 30_000;
const RIGHT_WITHIN_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;
/** How often it is looked whether somebody was answered. */
const LOOK_EVERY_MS = 20;
const ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/revision";

let stage: TrafficStage;
let address: string | undefined;
let revision = 0;

beforeAll(async () => {
  stage = await openTrafficStage({ replicas: 3, requestsPerSec: REQUESTS_PER_SEC });
  await revise();
  await isRightSoon();
  address = await gatewayAddress();
  await stage.clients.begin(SESSIONS);
  stage.clients.start();
  await stage.clients.rounds.complete();
}, 600_000);

afterAll(() => stage?.close());

/** Writes what all replicas are to serve, and the leader to confirm. */
async function revise(): Promise<void> {
  revision += 1;
  const route = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "revision" },
    spec: {
      parentRefs: [{ name: "edge" }],
      rules: [
        {
          matches: [{ path: { value: "/revision" } }],
          filters: [
            { type: "RequestRedirect", requestRedirect: { hostname: `revision-${revision}.example` } },
          ],
        },
      ],
    },
  };
  await stage.cluster.kubectl(["apply", "-f", "-"], JSON.stringify(route));
}

async function serves(place: string): Promise<boolean> {
  const response = await fetch(`${place}/revision`, { redirect: "manual" }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.headers.get("location")?.startsWith(`http://revision-${revision}.example`) ?? false;
}

async function isServed(replicas = 2): Promise<boolean> {
  const served = await Promise.all((await stage.limpets.places()).map(serves));
  return served.filter((one) => one).length >= replicas;
}

interface Conditions {
  readonly conditions?: readonly { readonly status: string; readonly observedGeneration: number }[];
}

async function isConfirmed(): Promise<boolean> {
  const { metadata, ...route } = await stage.cluster.client.request<KubernetesObject>("GET", ROUTE);
  const { parents = [] } = (route["status"] ?? {}) as { parents?: readonly Conditions[] };
  const conditions = parents.flatMap((parent) => parent.conditions ?? []);
  return (
    conditions.length > 0 &&
    conditions.every(
      (one) =>
        one.status === "True" && one.observedGeneration === (metadata as { generation?: number }).generation,
    )
  );
}

async function gatewayAddress(): Promise<string | undefined> {
  const gateway = await stage.cluster.client.request<KubernetesObject>("GET", GATEWAY);
  return (gateway["status"] as { addresses?: readonly { value: string }[] } | undefined)?.addresses?.[0]
    ?.value;
}

async function isPlaced(): Promise<boolean> {
  const now = await gatewayAddress();
  return now !== undefined && (address === undefined || now === address) && (await stage.limpets.isPlaced());
}

/** Answers after how many milliseconds each was right. */
async function isRightSoon(withinMs = RIGHT_WITHIN_MS): Promise<Record<string, number>> {
  const fromMs = performance.now();
  const took = async (isRight: () => Promise<boolean>, what: string) => {
    await until(() => isRight().catch(() => false), what, withinMs);
    return Math.round(performance.now() - fromMs);
  };
  const [served, confirmed, placed] = await Promise.all([
    took(isServed, "both replicas to serve what was written last"),
    took(isConfirmed, "the route's status to be of what was written last"),
    took(isPlaced, "the Gateway's address and endpoints"),
  ]);
  return { served, confirmed, placed };
}

/** Clients notice nothing of what happens in there; what was counted is printed. */
async function undisturbed(fault: string, happens: () => Promise<object>): Promise<void> {
  const before = {
    requests: stage.ledger.requests,
    retries: stage.clients.retries,
    repeats: stage.clients.repeats,
  };
  const fromMs = performance.now();
  let [lookedMs, last, pauseMs, longestPauseMs] = [fromMs, stage.ledger.requests, 0, 0];
  const watch = setInterval(() => {
    const nowMs = performance.now();
    const isAnswered = stage.ledger.requests !== last;
    // While this process stands still itself no client of it asks: that is no pause of the gateway.
    pauseMs = isAnswered ? 0 : pauseMs + Math.min(nowMs - lookedMs, 3 * LOOK_EVERY_MS);
    [lookedMs, last] = [nowMs, stage.ledger.requests];
    longestPauseMs = Math.max(longestPauseMs, pauseMs);
  }, LOOK_EVERY_MS);
  try {
    const told = await happens();
    const seconds = (performance.now() - fromMs) / 1_000;
    const counts = {
      seconds: Math.round(seconds),
      requests: stage.ledger.requests - before.requests,
      failed: stage.ledger.failed,
      moved: stage.ledger.moved,
      retries: stage.clients.retries - before.retries,
      repeats: stage.clients.repeats - before.repeats,
      longestPauseMs: Math.round(longestPauseMs),
    };
    process.stdout.write(`${fault}: ${JSON.stringify({ ...counts, ...told })}\n`);
    expect(stage.ledger.failures).toEqual([]);
    expect(stage.ledger.moved).toBe(0);
    expect(counts.requests / seconds).toBeGreaterThan(REQUESTS_PER_SEC * 0.7);
    expect(longestPauseMs).toBeLessThan(LONGEST_PAUSE_MS);
  } finally {
    clearInterval(watch);
  }
}

test("the API server dies, and comes back half a minute later", async () => {
  await undisturbed("API server away", async () => {
    await stage.cluster.controlPlane.apiServer.kill();
    await delay(AWAY_MS);
    await stage.cluster.controlPlane.apiServer.start();
    await revise();
    return isRightSoon();
  });
});

test("etcd stands still for half a minute", async () => {
  await undisturbed("etcd still", async () => {
    stage.cluster.controlPlane.etcd.pause();
    await delay(AWAY_MS);
    stage.cluster.controlPlane.etcd.resume();
    await until(
      () =>
        revise().then(
          () => true,
          () => false,
        ),
      "the API server to take a write",
      10_000,
    );
    return isRightSoon();
  });
});

test("a thousand changes of EndpointSlices in ten seconds", async () => {
  const storm = await EndpointStorm.over(stage.cluster, "app=carts");
  await until(async () => (await storm.answers(await stage.limpets.places())) === "all", "the storm's route");
  await undisturbed("storm of endpoints", async () => {
    const asked = storm.ask(`http://127.0.0.1:${stage.port}`);
    const seconds = await storm.blow({ changes: 1_000, withinMs: 10_000 });
    await revise();
    const right = await isRightSoon();
    const fromMs = performance.now();
    const isCalm = async () => (await storm.answers(await stage.limpets.places())) === "the last one";
    await until(isCalm, "both replicas to know the last endpoint alone", RIGHT_WITHIN_MS);
    const { answers, failures } = await asked.stop();
    expect(failures).toEqual([]);
    expect(seconds).toBeLessThan(15);
    return { ...right, calm: Math.round(performance.now() - fromMs), changesSec: seconds, answers };
  });
});

test("the replica that leads dies without a word", async () => {
  const leader = await stage.limpets.leader();
  await undisturbed("leader killed", async () => {
    stage.clients.mayBreak = true;
    await stage.limpets.kill(leader);
    await revise();
    const fromMs = performance.now();
    await until(() => isServed(1), "the other replica to serve what was written last", RIGHT_WITHIN_MS);
    const servedByOther = Math.round(performance.now() - fromMs);
    await until(async () => (await stage.limpets.leader()) !== leader, "another leader", RIGHT_WITHIN_MS);
    const ledAgain = Math.round(performance.now() - fromMs);
    const right = await isRightSoon();
    stage.clients.mayBreak = false;
    return { servedByOther, ledAgain, ...right };
  });
});

test("a replica is gone from one moment to the next, and another one comes", async () => {
  const leader = await stage.limpets.leader();
  const gone = (await stage.limpets.pods()).find(({ name }) => name !== leader)?.name as string;
  await undisturbed("replica gone", async () => {
    stage.clients.mayBreak = true;
    await stage.limpets.kill(gone);
    await stage.cluster.kubectl([
      "-n",
      "limpet-system",
      "delete",
      "pod",
      gone,
      "--force",
      "--grace-period=0",
    ]);
    await revise();
    const fromMs = performance.now();
    await until(() => isServed(1), "the other replica to serve what was written last", RIGHT_WITHIN_MS);
    const servedByOther = Math.round(performance.now() - fromMs);
    await until(() => stage.limpets.isComplete(gone), "another replica in its place");
    const replaced = Math.round(performance.now() - fromMs);
    const right = await isRightSoon();
    stage.clients.mayBreak = false;
    return { servedByOther, replaced, ...right };
  });
});

test("everybody is where he was", async () => {
  await stage.clients.rounds.complete();
  await stage.clients.stop();
  expect(stage.ledger).toMatchObject({ failures: [], begun: SESSIONS, moved: 0 });
  expect(stage.ledger.kept).toBe(stage.ledger.requests - SESSIONS);
});
