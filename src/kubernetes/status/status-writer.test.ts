// What the writer writes, and when, over a double of the API server: the leader alone, only what changed, until it stands there.
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { ClusterDouble, ViewDouble } from "../../../test/support/cluster-double.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Resource, Translation } from "../../dialects/translation.ts";
import type { Condition, Finding, ObjectStatus } from "../../model/index.ts";
import { ApiError, type KubernetesObject } from "../api/client.ts";
import { type ApiResource, refOf } from "../watch/cluster-view.ts";
import { EVENT } from "./finding-events.ts";
import { StatusWriter } from "./status-writer.ts";
import { WRITE_LIMITS } from "./write-queue.ts";

const GROUP = "gateway.networking.k8s.io";
const NAMESPACED = { group: GROUP, version: "v1", namespaced: true, hasStatus: true };
const KINDS: readonly ApiResource[] = [
  { ...NAMESPACED, kind: "GatewayClass", plural: "gatewayclasses", namespaced: false },
  { ...NAMESPACED, kind: "Gateway", plural: "gateways" },
  { ...NAMESPACED, kind: "HTTPRoute", plural: "httproutes" },
  { ...NAMESPACED, kind: "TLSRoute", plural: "tlsroutes", hasStatus: false },
  { group: "", version: "v1", namespaced: true, hasStatus: true, kind: "Service", plural: "services" },
  EVENT,
];

const ROUTE_PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/r0";

function setUp({ leads = true } = {}) {
  const clock = new ManualClock(Date.parse("2026-11-21T18:00:00Z"));
  const cluster = new ClusterDouble(KINDS);
  const view = new ViewDouble(cluster, KINDS);
  const log: string[] = [];
  const state = { mayWrite: true };
  const writer = new StatusWriter({
    client: cluster,
    view,
    controllerName: "limpet.dev/gateway",
    identity: "limpet-1",
    mayWrite: () => state.mayWrite,
    clock,
    random: () => 0.5,
    logger: pino({ level: "warn" }, { write: (line) => void log.push(JSON.parse(line).msg) }),
  });
  if (leads) writer.setLeader(true);
  const patches = () => cluster.requests.filter(({ method }) => method === "PATCH").map(({ path }) => path);
  return { clock, cluster, view, writer, state, log, patches };
}

function object(kind: string, name: string, spec: object = {}): KubernetesObject {
  const namespace = kind === "GatewayClass" ? {} : { namespace: "shop" };
  return {
    apiVersion: kind === "Service" ? "v1" : `${GROUP}/v1`,
    kind,
    metadata: { name, ...namespace },
    spec,
  };
}

function accepted(status: Condition["status"] = "True"): Condition {
  return { type: "Accepted", status, reason: status === "True" ? "Accepted" : "Invalid", message: "" };
}

const EDGE = { group: GROUP, kind: "Gateway", namespace: "shop", name: "edge" };

function statusOf(one: KubernetesObject, status: Condition["status"] = "True"): ObjectStatus {
  const conditions = [accepted(status)];
  return one.kind === "HTTPRoute" || one.kind === "TLSRoute"
    ? { object: refOf(one), conditions: [], parents: [{ parent: EDGE, conditions }] }
    : { object: refOf(one), conditions };
}

/** A report of what the view has now. */
function reportOf(view: ViewDouble, statuses: readonly ObjectStatus[], findings: readonly Finding[] = []) {
  const snapshot = { listeners: [], routes: [], tlsRoutes: [], backends: [] };
  const translation: Translation = { snapshot, statuses, findings, gateways: [] };
  return { resources: view.resources() as readonly Resource[], translation };
}

/** What the routes' and Gateways' conditions Accepted say, in order of name. */
function verdicts(cluster: ClusterDouble): (string | undefined)[] {
  return cluster
    .all()
    .filter(({ kind }) => kind !== "Event")
    .map(({ status }) => {
      const { conditions, parents } = (status ?? {}) as {
        conditions?: readonly Condition[];
        parents?: readonly { conditions: readonly Condition[] }[];
      };
      return (conditions ?? parents?.[0]?.conditions)?.[0]?.status;
    });
}

const refusal = (status: number) => new ApiError(`refused with ${status}`, { status });

test("a report is written once, Gateways before routes, and nothing more while nothing changes", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const all = [
    object("HTTPRoute", "r0"),
    object("TLSRoute", "t0"),
    object("Gateway", "edge"),
    object("GatewayClass", "limpet"),
  ];
  for (const one of all) cluster.put(one);
  writer.report(
    reportOf(
      view,
      all.map((one) => statusOf(one)),
    ),
  );
  await clock.advance(1000);
  expect(patches()).toEqual([
    "/apis/gateway.networking.k8s.io/v1/gatewayclasses/limpet/status",
    "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/edge/status",
    `${ROUTE_PATH}/status`,
    // Its CRD, as this double has it, knows no status of its own.
    "/apis/gateway.networking.k8s.io/v1/namespaces/shop/tlsroutes/t0",
  ]);
  expect(verdicts(cluster)).toEqual(["True", "True", "True", "True"]);
  writer.viewChanged();
  writer.report(
    reportOf(
      view,
      all.map((one) => statusOf(one)),
    ),
  );
  await clock.advance(60_000);
  expect(patches()).toHaveLength(4);
});

test("who does not lead writes nothing, and everything once it leads", async () => {
  const { clock, cluster, view, writer, patches } = setUp({ leads: false });
  const route = cluster.put(object("HTTPRoute", "r0"));
  writer.report(reportOf(view, [statusOf(route)]));
  writer.viewChanged();
  await clock.advance(1000);
  expect(patches()).toEqual([]);
  writer.setLeader(true);
  await clock.advance(1000);
  expect(patches()).toHaveLength(1);
});

test("who leads no more gives up what is under way, and writes nothing that waits", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const routes = Array.from({ length: 20 }, (_, index) => cluster.put(object("HTTPRoute", `r${index}`)));
  cluster.before = () => new Promise(() => undefined);
  writer.report(
    reportOf(
      view,
      routes.map((route) => statusOf(route)),
    ),
  );
  await clock.advance(10);
  expect(patches()).toHaveLength(8);
  writer.setLeader(false);
  await clock.advance(60_000);
  expect(patches()).toHaveLength(8);
  expect(verdicts(cluster)).toEqual(routes.map(() => undefined));
});

test("a process that stood still, and leads no more, writes nothing before it has noticed", async () => {
  const { clock, cluster, view, writer, state, patches } = setUp();
  const route = cluster.put(object("HTTPRoute", "r0"));
  state.mayWrite = false;
  writer.report(reportOf(view, [statusOf(route)]));
  await clock.advance(1000);
  expect(patches()).toEqual([]);
  // It stood still for less than its deadline, and led all the time.
  state.mayWrite = true;
  await clock.advance(2000);
  expect(patches()).toHaveLength(1);
});

describe("what somebody else does", () => {
  test("to our conditions is put right", async () => {
    const { clock, cluster, view, writer, patches } = setUp();
    const gateway = cluster.put(object("Gateway", "edge"));
    writer.report(reportOf(view, [statusOf(gateway)]));
    await clock.advance(1000);
    cluster.put({ ...object("Gateway", "edge"), status: { conditions: [] } });
    writer.viewChanged();
    await clock.advance(1000);
    expect(verdicts(cluster)).toEqual(["True"]);
    expect(patches()).toHaveLength(2);
  });

  test("at the same moment is not overwritten: the view catches up, then we write", async () => {
    const { clock, cluster, view, writer, patches } = setUp();
    const gateway = cluster.put(object("Gateway", "edge"));
    writer.report(reportOf(view, [statusOf(gateway)]));
    view.freeze();
    const foreign = { type: "example.com/Audited", status: "True", reason: "Seen", message: "" };
    cluster.put({ ...object("Gateway", "edge"), status: { conditions: [foreign] } });
    await clock.advance(5000);
    // Once, to learn of it; not again with what is known to be old.
    expect(patches()).toHaveLength(1);
    view.catchUp();
    writer.viewChanged();
    await clock.advance(2000);
    expect(cluster.all()[0]?.["status"]).toMatchObject({
      conditions: [foreign, { type: "Accepted", status: "True" }],
    });
    expect(patches()).toHaveLength(2);
  });

  test("by deleting the object ends the matter", async () => {
    const { clock, cluster, view, writer, log } = setUp();
    const route = cluster.put(object("HTTPRoute", "r0"));
    view.freeze();
    cluster.delete(route);
    writer.report(reportOf(view, [statusOf(route)]));
    await clock.advance(100);
    view.catchUp();
    await clock.advance(60_000);
    expect(cluster.requests).toHaveLength(1);
    expect(log).toEqual([]);
  });
});

test("an API server that does not know yet that it has a kind is asked again", async () => {
  const { clock, cluster, view, writer, log } = setUp();
  const route = cluster.put(object("HTTPRoute", "r0"));
  let isNew = true;
  cluster.before = () => {
    if (isNew) throw refusal(404);
  };
  writer.report(reportOf(view, [statusOf(route)]));
  await clock.advance(500);
  isNew = false;
  await clock.advance(2_000);
  expect(verdicts(cluster)).toEqual(["True"]);
  expect(log).toEqual([]);
});

test("while the view does not know our own write yet, the next one goes on from what the server answered", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const gateway = cluster.put(object("Gateway", "edge"));
  view.freeze();
  writer.report(reportOf(view, [statusOf(gateway)]));
  await clock.advance(100);
  writer.report(reportOf(view, [statusOf(gateway, "False")]));
  await clock.advance(100);
  expect(verdicts(cluster)).toEqual(["False"]);
  expect(patches()).toHaveLength(2);
});

test("an API server that asks for time gets it", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const gateway = cluster.put(object("Gateway", "edge"));
  cluster.before = () => {
    throw new ApiError("too many requests", { status: 429, retryAfterMs: 20_000 });
  };
  writer.report(reportOf(view, [statusOf(gateway)]));
  await clock.advance(19_000);
  expect(patches()).toHaveLength(1);
  await clock.advance(2_000);
  expect(patches()).toHaveLength(2);
});

test("what was reported last is written, not what was when it had to wait", async () => {
  const { clock, cluster, view, writer } = setUp();
  const route = cluster.put(object("HTTPRoute", "r0"));
  let isDown = true;
  cluster.before = () => {
    if (isDown) throw refusal(503);
  };
  writer.report(reportOf(view, [statusOf(route)]));
  await clock.advance(3000);
  writer.report(reportOf(view, [statusOf(route, "False")]));
  isDown = false;
  await clock.advance(30_000);
  expect(verdicts(cluster)).toEqual(["False"]);
  expect(cluster.requests.at(-1)?.body).toMatchObject({
    status: { parents: [{ conditions: [{ status: "False" }] }] },
  });
});

test("an API server that is away for a minute gets every status afterwards, and one line in the log", async () => {
  const { clock, cluster, view, writer, log } = setUp();
  const routes = Array.from({ length: 200 }, (_, index) => cluster.put(object("HTTPRoute", `r${index}`)));
  let isDown = true;
  cluster.before = () => {
    if (isDown) throw refusal(0);
  };
  writer.report(
    reportOf(
      view,
      routes.map((route) => statusOf(route)),
    ),
  );
  await clock.advance(60_000);
  isDown = false;
  await clock.advance(60_000);
  expect(verdicts(cluster)).toEqual(routes.map(() => "True"));
  expect(log).toEqual(["a status could not be written; it is tried again"]);
  expect(writer.samples()).toContainEqual({
    name: "limpet_kubernetes_status_writes_total",
    labels: { kind: "httproutes.gateway.networking.k8s.io", result: "written" },
    value: 200,
  });
});

test("what the API server does not take is told once, and not tried again until it changes", async () => {
  const { clock, cluster, view, writer, log, patches } = setUp();
  const route = cluster.put(object("HTTPRoute", "r0"));
  cluster.before = ({ body }) => {
    if (JSON.stringify(body).includes('"True"')) throw refusal(422);
  };
  writer.report(reportOf(view, [statusOf(route)]));
  await clock.advance(60_000);
  writer.viewChanged();
  writer.report(reportOf(view, [statusOf(route)]));
  await clock.advance(60_000);
  expect(patches()).toHaveLength(1);
  expect(log).toEqual(["the API server takes no such status; it is left as it is"]);
  writer.report(reportOf(view, [statusOf(route, "False")]));
  await clock.advance(1000);
  expect(verdicts(cluster)).toEqual(["False"]);
});

test("what an older CRD refused or left out is written as soon as a newer one is there", async () => {
  const { clock, cluster, view, writer } = setUp();
  const [limpet, edge] = [object("GatewayClass", "limpet"), object("Gateway", "edge")].map((one) =>
    cluster.put(one),
  ) as [KubernetesObject, KubernetesObject];
  let isOld = true;
  cluster.before = ({ body }) => {
    const { status } = body as { status: { supportedFeatures?: unknown; attachedListenerSets?: number } };
    if (isOld && status.supportedFeatures !== undefined) throw refusal(422);
    if (isOld) delete status.attachedListenerSets;
  };
  writer.report(
    reportOf(view, [
      { ...statusOf(limpet), supportedFeatures: ["Gateway"] },
      { ...statusOf(edge), attachedListenerSets: 1 },
    ]),
  );
  await clock.advance(1000);
  writer.viewChanged();
  await clock.advance(1000);
  isOld = false;
  const statuses = () => cluster.all().map(({ status }) => Object.keys(status ?? {}));
  writer.viewChanged();
  await clock.advance(1000);
  expect(statuses()).toEqual([["conditions"], ["conditions"]]);
  const newer = KINDS.map((kind) => ({ ...kind, generation: 2 }));
  view.apiResource = (group, kind) => newer.find((one) => one.group === group && one.kind === kind);
  writer.viewChanged();
  await clock.advance(1000);
  expect(statuses()).toEqual([
    ["conditions", "supportedFeatures"],
    ["conditions", "attachedListenerSets"],
  ]);
  const { length } = cluster.requests;
  writer.viewChanged();
  await clock.advance(60_000);
  expect(cluster.requests).toHaveLength(length);
});

test("a class whose CRD takes no features as objects is accepted without them", async () => {
  const { clock, cluster, view, writer, log } = setUp();
  const one = cluster.put(object("GatewayClass", "limpet"));
  cluster.before = ({ body }) => {
    if (JSON.stringify(body).includes("supportedFeatures")) throw refusal(422);
  };
  const report = () => writer.report(reportOf(view, [{ ...statusOf(one), supportedFeatures: ["Gateway"] }]));
  report();
  await clock.advance(1000);
  report();
  await clock.advance(1000);
  expect(verdicts(cluster)).toEqual(["True"]);
  expect(cluster.requests).toHaveLength(2);
  expect(log).toEqual([]);
});

test("what an older CRD leaves out is not written again and again", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const gateway = cluster.put(object("Gateway", "edge"));
  // As pruning does.
  cluster.before = ({ body }) => {
    delete (body as { status: { attachedListenerSets?: number } }).status.attachedListenerSets;
  };
  const status = { ...statusOf(gateway), attachedListenerSets: 1 };
  for (let count = 0; count < 5; count++) {
    writer.report(reportOf(view, [{ ...status }]));
    writer.viewChanged();
    await clock.advance(1000);
  }
  expect(verdicts(cluster)).toEqual(["True"]);
  expect(patches().length).toBeLessThanOrEqual(2);
});

test("a route that is ours no more loses our entry, and one that is gone is forgotten", async () => {
  const { clock, cluster, view, writer } = setUp();
  const routes = [cluster.put(object("HTTPRoute", "r0")), cluster.put(object("HTTPRoute", "r1"))];
  writer.report(
    reportOf(
      view,
      routes.map((route) => statusOf(route)),
    ),
  );
  await clock.advance(1000);
  cluster.delete(routes[1] as KubernetesObject);
  writer.report(reportOf(view, []));
  await clock.advance(1000);
  expect(cluster.all().map(({ status }) => status)).toEqual([{ parents: [] }]);
});

test("thousands of routes are written at the rate that is allowed, and Gateways that come meanwhile do not wait", async () => {
  const { clock, cluster, view, writer, patches } = setUp();
  const allowed = WRITE_LIMITS.burst + 2 * WRITE_LIMITS.perSecond;
  const routes = Array.from({ length: allowed + 1000 }, (_, index) =>
    cluster.put(object("HTTPRoute", `r${index}`)),
  );
  writer.report(
    reportOf(
      view,
      routes.map((route) => statusOf(route)),
    ),
  );
  await clock.advance(2_000);
  expect(patches().length).toBeGreaterThan(allowed - 10);
  expect(patches().length).toBeLessThan(allowed + 10);
  const gateway = cluster.put(object("Gateway", "edge"));
  writer.report(reportOf(view, [...routes.map((route) => statusOf(route)), statusOf(gateway)]));
  await clock.advance(200);
  expect(patches().some((path) => path.endsWith("/gateways/edge/status"))).toBe(true);
});

describe("a finding that no condition tells", () => {
  const finding: Finding = {
    code: "backend-approximated",
    severity: "warning",
    object: { group: "", kind: "Service", namespace: "shop", name: "cart" },
    path: "spec.ports[0]",
    message: "no endpoint has it",
    expected: "a port of the pods",
    hint: "correct targetPort",
  };
  const events = (cluster: ClusterDouble) => cluster.requests.filter(({ method }) => method === "POST");

  test("is an Event, once an hour for as long as it is told", async () => {
    const { clock, cluster, view, writer } = setUp();
    cluster.put(object("Service", "cart"));
    for (let minute = 0; minute < 90; minute++) {
      writer.report(reportOf(view, [], [finding]));
      await clock.advance(60_000);
      // As an API server forgets them after an hour.
      if (minute === 59)
        cluster.delete(cluster.all().find(({ kind }) => kind === "Event") as KubernetesObject);
    }
    expect(events(cluster)).toHaveLength(2);
    expect(events(cluster)[0]?.body).toMatchObject({
      reason: "BackendApproximated",
      note: "spec.ports[0]: no endpoint has it (expected a port of the pods; correct targetPort)",
    });
  });

  test("is told once, although another leader begins", async () => {
    const { clock, cluster, view, writer } = setUp();
    cluster.put(object("Service", "cart"));
    writer.report(reportOf(view, [], [finding]));
    await clock.advance(1000);
    const next = setUp();
    next.cluster.put(object("Service", "cart"));
    next.cluster.put(cluster.all().find(({ kind }) => kind === "Event") as KubernetesObject);
    next.writer.report(reportOf(next.view, [], [finding]));
    await next.clock.advance(1000);
    expect(events(next.cluster)).toHaveLength(1);
    expect(next.cluster.all().filter(({ kind }) => kind === "Event")).toHaveLength(1);
    expect(next.log).toEqual([]);
  });
});
