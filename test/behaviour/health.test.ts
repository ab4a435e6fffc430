// What clients and their sessions notice when endpoints fall ill and recover: a whole gateway, with real endpoints.
import { isDeepStrictEqual } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/model/index.ts";
import { type ClientAnswer, cookiePair, replicasOf, send, sendMany, spread } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startReplica, type TestReplica } from "../support/replica.ts";

const SESSION = "sessionPersistence: {sessionName: home}";

function policyYaml(...lines: readonly string[]): string {
  return `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: health}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all}]
  healthCheck:
${lines.map((line) => `    ${line}\n`).join("")}`;
}

const ACTIVE =
  "active: {type: HTTP, interval: 50ms, timeout: 15s, unhealthyThreshold: 2, healthyThreshold: 2, http: {path: /health, expectedStatuses: [200], retriableStatuses: [503]}}";

interface Setup {
  readonly replicas: readonly TestReplica[];
  readonly policy: string;
  readonly args?: readonly string[];
}

async function start({ replicas, policy, args = [] }: Setup): Promise<{ gateway: Gateway; port: number }> {
  const port = await freePort();
  const route = sampleYaml(replicas.map((replica) => replica.port));
  const files = {
    "gateway.yaml": gatewayYaml({ port }),
    "sample.yaml": route.replace("port: 80}]", `port: 80}]\n      ${SESSION}`),
    "policy.yaml": policy,
  };
  const gateway = await startGateway({ files, args });
  onTestFinished(async () => void (await gateway.stop()));
  return { gateway, port };
}

async function replicas(count: number): Promise<[TestReplica, TestReplica, ...TestReplica[]]> {
  const names = Array.from({ length: count }, (_, index) => `replica-${index + 1}`);
  return (await Promise.all(names.map((name) => startReplica(name)))) as [
    TestReplica,
    TestReplica,
    ...TestReplica[],
  ];
}

function logged(gateway: Gateway, message: string, { port }: TestReplica, from = 0): Promise<string> {
  const matches = (line: string) => line.includes(message) && line.includes(`:${port}"`);
  return gateway.stderr.waitFor(matches, `${message} (${port})`, { from });
}

/** How many endpoints of each health are served. */
async function endpointsByHealth(gateway: Gateway): Promise<Record<string, number>> {
  const page = (await (await fetch(`${gateway.adminUrl}/snapshot`)).json()) as { snapshot: Snapshot };
  const counts: Record<string, number> = {};
  for (const { health } of page.snapshot.backends.flatMap(({ endpoints }) => endpoints)) {
    counts[health] = (counts[health] ?? 0) + 1;
  }
  return counts;
}

async function served(gateway: Gateway, expected: Record<string, number>): Promise<void> {
  await eventually(
    () => endpointsByHealth(gateway),
    (counts) => isDeepStrictEqual(counts, expected),
  );
}

/** Cookies of sessions, all on this replica. */
async function sessionsOn(port: number, { name }: TestReplica, count: number): Promise<string[]> {
  const cookies: string[] = [];
  while (cookies.length < count) {
    const answer = await send(port);
    if (answer.replica === name) cookies.push(cookiePair(answer.setCookie[0]));
  }
  return cookies;
}

const within = (port: number, cookie: string | undefined): Promise<ClientAnswer> =>
  send(port, { headers: { cookie: cookie ?? "" } });

describe("active checks", () => {
  test("are through before the gateway is ready: who fails them never gets a request", async () => {
    const all = await replicas(3);
    const [ill] = all;
    ill.health = 500;
    const { gateway, port } = await start({ replicas: all, policy: policyYaml(ACTIVE, "panicThreshold: 0") });
    expect(replicasOf(await sendMany(port, 20))).toEqual(["replica-2", "replica-3"]);
    expect(ill.requestsMs.length).toBe(0);
    expect(await endpointsByHealth(gateway)).toEqual({ unhealthy: 1, healthy: 2 });
  });

  test("move the sessions that are asked for meanwhile, and give the others back to an endpoint that recovers", async () => {
    const [one, two] = await replicas(2);
    const { gateway, port } = await start({
      replicas: [one, two],
      policy: policyYaml(ACTIVE, "panicThreshold: 0"),
    });
    const [moves, waits] = await sessionsOn(port, one, 2);
    one.health = 503;
    await logged(gateway, "endpoint fails its checks", one);
    await served(gateway, { unhealthy: 1, healthy: 1 });

    const before = one.requestsMs.length;
    const moved = await within(port, moves);
    expect(moved.replica).toBe("replica-2");
    const line = await gateway.waitForAccess((entry) => entry.affinity?.outcome === "moved");
    expect(line.status).toBe(200);
    expect(replicasOf(await sendMany(port, 10))).toEqual(["replica-2"]);
    expect(one.requestsMs.length).toBe(before);

    one.health = 200;
    await logged(gateway, "endpoint passes its checks", one);
    await served(gateway, { healthy: 2 });
    expect((await within(port, waits)).replica).toBe("replica-1");
    expect((await within(port, cookiePair(moved.setCookie[0]))).replica).toBe("replica-2");
    expect(await spread(port)).toEqual(["replica-1", "replica-2"]);
  });

  test("that nearly all fail are ignored: in panic all serve, and sessions stay", async () => {
    const all = await replicas(3);
    const { gateway, port } = await start({ replicas: all, policy: policyYaml(ACTIVE) });
    const [, second] = all;
    const [home] = await sessionsOn(port, second, 1);
    for (const replica of all) replica.health = 500;
    await served(gateway, { unhealthy: 3 });
    expect((await within(port, home)).replica).toBe(second.name);
    expect((await spread(port)).length).toBeGreaterThan(1);
  });

  test("without a panic threshold leave nobody, and say so", async () => {
    const all = await replicas(2);
    const { gateway, port } = await start({ replicas: all, policy: policyYaml(ACTIVE, "panicThreshold: 0") });
    for (const replica of all) replica.health = 500;
    await served(gateway, { unhealthy: 2 });
    const answer = await send(port);
    expect(answer.status).toBe(503);
    expect(answer.body).toContain("no-healthy-endpoint");
  });

  test("reach a worker that took a dead one's place", async () => {
    const [one, two] = await replicas(2);
    const { gateway, port } = await start({
      replicas: [one, two],
      policy: policyYaml(ACTIVE, "panicThreshold: 0"),
    });
    one.health = 500;
    await served(gateway, { unhealthy: 1, healthy: 1 });
    const page = (await (await fetch(`${gateway.adminUrl}/snapshot`)).json()) as { workers: number[] };
    const before = one.requestsMs.length;
    process.kill(page.workers[0] as number, "SIGKILL");
    await gateway.stderr.waitFor((line) => line.includes("worker serves again"), "a new worker");
    expect(replicasOf(await sendMany(port, 10))).toEqual(["replica-2"]);
    expect(one.requestsMs.length).toBe(before);
  });

  test("of endpoints that a reload brings are through before these are served", async () => {
    const [one, two, three] = (await replicas(3)) as [TestReplica, TestReplica, TestReplica];
    const { gateway, port } = await start({
      replicas: [one, two],
      policy: policyYaml(ACTIVE, "panicThreshold: 0"),
    });
    three.health = 500;
    gateway.write(
      "more.yaml",
      sampleYaml([three.port]).split("---\n").at(-1)?.replace("sample-1", "more") ?? "",
    );
    await gateway.stderr.waitFor((line) => line.includes("configuration published"), "the reload");
    expect(replicasOf(await sendMany(port, 20))).toEqual(["replica-1", "replica-2"]);
    expect(three.requestsMs.length).toBe(0);
  });
});

test("an endpoint that recovers gets its share little by little where slow start is on", async () => {
  const [one, two] = await replicas(2);
  const slowly = policyYaml(ACTIVE, "panicThreshold: 0").replace(
    "  healthCheck:",
    "  loadBalancer: {type: RoundRobin, slowStart: {window: 300s}}\n  healthCheck:",
  );
  const { gateway, port } = await start({ replicas: [one, two], policy: slowly });
  const share = async () => {
    const answers = await sendMany(port, 60);
    return answers.filter(({ replica }) => replica === one.name).length;
  };
  expect(await share()).toBe(30);
  one.health = 503;
  await served(gateway, { unhealthy: 1, healthy: 1 });
  one.health = 200;
  await served(gateway, { healthy: 2 });
  // A tenth of its weight: one request of eleven.
  const first = await share();
  expect(first).toBeGreaterThanOrEqual(4);
  expect(first).toBeLessThanOrEqual(7);
});

describe("outlier detection", () => {
  const passive = (...fields: readonly string[]) =>
    policyYaml(`passive: {maxEjectionPercent: 100, ${fields.join(", ")}}`, "panicThreshold: 0");

  /** Requests one after the other, without a pause, until they are told to end. */
  function traffic(port: number) {
    const statuses: number[] = [];
    let isOn = true;
    const done = (async () => {
      while (isOn) statuses.push((await send(port)).status);
      return statuses;
    })();
    return {
      statuses,
      end: () => {
        isOn = false;
        return done;
      },
    };
  }

  test("takes an endpoint out after five failures in a row, within moments", async () => {
    const [one, two] = await replicas(2);
    one.status = 500;
    const { gateway, port } = await start({
      replicas: [one, two],
      policy: passive("consecutive5XxErrors: 5", "baseEjectionTime: 60s"),
    });
    const { end } = traffic(port);
    await logged(gateway, "endpoint ejected", one);
    await served(gateway, { unhealthy: 1, healthy: 1 });
    // Whoever was on its way to it has arrived by then.
    await send(port);
    const ejected = one.requestsMs.length;
    expect(replicasOf(await sendMany(port, 20))).toEqual(["replica-2"]);
    const statuses = await end();
    expect(one.requestsMs).toHaveLength(ejected);
    expect(statuses.filter((status) => status === 500)).toHaveLength(ejected);
    const [fifthMs = 0, lastMs = 0] = [one.requestsMs[4], one.requestsMs.at(-1)];
    // Mostly 10 to 30; a machine that is busy may take its time, but not until the next look, which is 10 s later.
    expect(lastMs - fifthMs).toBeLessThan(5_000);
  });

  test("counts over all workers, and lets the endpoint come back", async () => {
    const [one, two] = await replicas(2);
    const { gateway, port } = await start({
      replicas: [one, two],
      policy: passive("consecutive5XxErrors: 6", "interval: 100ms", "baseEjectionTime: 300ms"),
      args: ["--workers", "2"],
    });
    one.status = 503;
    const { statuses, end } = traffic(port);
    await logged(gateway, "endpoint ejected", one);
    one.status = 200;
    await logged(gateway, "endpoint returned from ejection", one);
    const back = one.requestsMs.length;
    await expect.poll(() => one.requestsMs.length).toBeGreaterThan(back + 5);
    await end();
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(6);
  });

  test("moves sessions off an ejected endpoint, and those that nobody asked for return with it", async () => {
    const [one, two] = await replicas(2);
    const { gateway, port } = await start({
      replicas: [one, two],
      // So long that it is looked at before it is over.
      policy: passive("consecutive5XxErrors: 2", "interval: 100ms", "baseEjectionTime: 4s"),
    });
    const [moves, waits] = await sessionsOn(port, one, 2);
    one.status = 500;
    expect((await within(port, moves)).status).toBe(500);
    expect((await within(port, moves)).status).toBe(500);
    await served(gateway, { unhealthy: 1, healthy: 1 });
    one.status = 200;
    expect((await within(port, moves)).replica).toBe("replica-2");
    await logged(gateway, "endpoint returned from ejection", one);
    await served(gateway, { healthy: 2 });
    expect((await within(port, waits)).replica).toBe("replica-1");
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/limpet_ejections_total\{[^}]*reason="consecutive5xx"\} 1/);
    expect(metrics).toMatch(/limpet_endpoints\{[^}]*health="healthy"\} 2/);
  });
});
