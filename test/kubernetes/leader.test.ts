// The leader's Lease on a real API server: one leads, whoever stops, dies or cannot be reached.
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ApiClient } from "../../src/kubernetes/api/api-client.ts";
import type { KubernetesClient } from "../../src/kubernetes/api/client.ts";
import { findConnection } from "../../src/kubernetes/api/connection.ts";
import { SYSTEM_CLOCK } from "../../src/kubernetes/clock.ts";
import { LeaderElection } from "../../src/kubernetes/leader/leader-election.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";

/** Short, so that a test does not wait for long; the proportions are those of the defaults. */
const TIMES = { leaseMs: 3000, renewDeadlineMs: 2000, retryMs: 400 };
/** A Lease that nobody waits for the end of. */
const LONG_TIMES = { leaseMs: 60_000, renewDeadlineMs: 40_000, retryMs: 400 };

interface Span {
  readonly identity: string;
  readonly fromMs: number;
  toMs: number;
}

let cluster: Cluster;
let elections: LeaderElection[] = [];
let spans: Span[] = [];
let lease = 0;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(() => cluster?.stop());

afterEach(async () => {
  await Promise.all(elections.map((election) => election.stop()));
  elections = [];
  spans = [];
});

async function replica(identity: string, times = TIMES): Promise<LeaderElection> {
  const connection = await findConnection({ kubeconfig: cluster.kubeconfig, env: {}, nowMs: Date.now });
  const client: KubernetesClient = new ApiClient({
    connection,
    clock: SYSTEM_CLOCK,
    userAgent: "limpet/test",
  });
  const election = new LeaderElection({
    ...times,
    client,
    namespace: "default",
    name: `leader-${lease}`,
    identity,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    logger: pino({ level: "silent" }),
    onStartedLeading: () =>
      spans.push({ identity, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY }),
    onStoppedLeading: () => {
      const span = spans.findLast((one) => one.identity === identity);
      if (span !== undefined) span.toMs = performance.now();
    },
  });
  elections.push(election);
  election.start();
  return election;
}

async function threeReplicas(times = TIMES): Promise<LeaderElection[]> {
  lease++;
  return Promise.all(["a", "b", "c"].map((identity) => replica(identity, times)));
}

function leader(): LeaderElection | undefined {
  const leading = elections.filter((election) => election.isLeader());
  expect(leading.length).toBeLessThan(2);
  return leading[0];
}

function expectNoTwoAtOnce(): void {
  const inOrder = [...spans].sort((one, other) => one.fromMs - other.fromMs);
  for (const [index, span] of inOrder.entries()) {
    expect(inOrder[index - 1]?.toMs ?? 0).toBeLessThanOrEqual(span.fromMs);
  }
}

async function spec(): Promise<Record<string, unknown>> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/default/leases/leader-${lease}`;
  return (await cluster.client.request<{ spec: Record<string, unknown> }>("GET", path)).spec;
}

test("a leader that stops hands over within one look of the others", async () => {
  await threeReplicas(LONG_TIMES);
  const first = await until(leader, "a leader");
  await first.stop();
  const second = await until(
    () => elections.find((one) => one !== first && one.isLeader()),
    "another leader, long before the Lease is over",
    LONG_TIMES.leaseMs / 4,
  );
  expect(second).not.toBe(first);
  expect(await spec()).toMatchObject({ leaseDurationSeconds: 60, leaseTransitions: 1 });
  expectNoTwoAtOnce();
});

test("a stop of the last one leaves a Lease that nobody holds", async () => {
  await threeReplicas();
  await until(leader, "a leader");
  await Promise.all(elections.map((election) => election.stop()));
  // What the API server keeps of "".
  expect((await spec())["holderIdentity"] ?? "").toBe("");
});

test("while the API server is away nobody leads, and afterwards one does", async () => {
  await threeReplicas();
  await until(leader, "a leader");
  await cluster.controlPlane.apiServer.kill();
  await until(() => leader() === undefined, "nobody leads any more", TIMES.renewDeadlineMs + 1000);
  await cluster.controlPlane.apiServer.start();
  const first = await until(leader, "a leader");
  expectNoTwoAtOnce();
  expect(first.isLeader()).toBe(true);
});

test("an etcd that stands still for longer than the deadline makes no second leader", async () => {
  await threeReplicas();
  await until(leader, "a leader");
  cluster.controlPlane.etcd.pause();
  await until(() => leader() === undefined, "nobody leads any more", TIMES.renewDeadlineMs + 1000);
  await new Promise((resolve) => SYSTEM_CLOCK.after(TIMES.leaseMs, () => resolve(undefined)));
  expect(leader()).toBeUndefined();
  cluster.controlPlane.etcd.resume();
  await until(leader, "a leader");
  expectNoTwoAtOnce();
});

test("a Lease that somebody deletes is made anew by its holder", async () => {
  await threeReplicas();
  const first = await until(leader, "a leader");
  await cluster.kubectl(["delete", "lease", `leader-${lease}`]);
  await until(async () => {
    const holder = await spec().then(
      ({ holderIdentity }) => holderIdentity,
      () => undefined,
    );
    return first.isLeader() && holder !== undefined;
  }, "a leader that holds a Lease");
  expectNoTwoAtOnce();
});
