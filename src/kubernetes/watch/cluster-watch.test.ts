// The view of a cluster as its kinds come, change and go, over real sockets to a double of the API server.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiServerDouble } from "../../../test/support/api-server-double.ts";
import { logLines } from "../../../test/support/log-lines.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { reached } from "../../../test/support/reached.ts";
import { renderMetrics } from "../../telemetry/index.ts";
import { ApiClient } from "../api/api-client.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import type { ClusterChange } from "./kind-objects.ts";
import { REFUSED_FOR_GOOD_MS } from "./reflector.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SERVICES = "/api/v1/services";
const PODS = "/api/v1/pods";
const BUILT_IN = [
  SERVICES,
  PODS,
  "/api/v1/namespaces",
  "/api/v1/secrets",
  "/api/v1/configmaps",
  "/apis/discovery.k8s.io/v1/endpointslices",
];
const GROUP = "gateway.networking.k8s.io";
const routesPath = (version: string) => `/apis/${GROUP}/${version}/httproutes`;

let server: ApiServerDouble;
let clock: ManualClock;
let log: ReturnType<typeof logLines>;
let client: ApiClient;
let watch: ClusterWatch;
let changes: ClusterChange[];
let isSynced: boolean;

beforeEach(async () => {
  server = await ApiServerDouble.start();
  for (const path of [CRDS, ...BUILT_IN]) server.serve(path);
  clock = new ManualClock();
  log = logLines();
  changes = [];
  isSynced = false;
  const credentials = { get: async () => ({ tls: {} }) };
  const url = new URL(`http://127.0.0.1:${server.port}`);
  client = new ApiClient({
    connection: { server: url, namespace: "", credentials, origin: "" },
    userAgent: "limpet/test",
    clock,
  });
});

afterEach(async () => {
  await watch.stop();
  client.close();
  await server.stop();
});

function start(): void {
  watch = new ClusterWatch({
    client,
    clock,
    random: () => 0,
    logger: log.logger,
    onChange: (change) => changes.push(change),
  });
  void watch.synced.then(() => {
    isSynced = true;
  });
  watch.start();
}

async function startSynced(): Promise<void> {
  start();
  await until(() => isSynced);
}

function until(condition: () => boolean): Promise<void> {
  return reached(condition, clock);
}

/** The CRD of HTTPRoute with these versions served; `{v1: true}`: it has a status. */
function define(versions: Readonly<Record<string, boolean>>, established = "True", generation = 1): void {
  for (const version of Object.keys(versions)) server.serve(routesPath(version));
  server.put(CRDS, {
    apiVersion: "apiextensions.k8s.io/v1",
    metadata: { name: `httproutes.${GROUP}`, generation },
    spec: {
      scope: "Namespaced",
      names: { kind: "HTTPRoute", plural: "httproutes" },
      versions: ["v1alpha9", "v1beta1", "v1"].map((name) => ({
        name,
        served: name in versions,
        subresources: versions[name] === true ? { status: {} } : {},
      })),
    },
    status: { conditions: [{ type: "Established", status: established }] },
  });
}

function route(name: string, more: object = {}) {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "HTTPRoute",
    metadata: { name, namespace: "shop", uid: `uid-${name}`, generation: 1 },
    spec: { hostnames: [`${name}.example`] },
    ...more,
  };
}

const routes = () => watch.objects(GROUP, "HTTPRoute").map(({ metadata }) => metadata.name);

describe("a kind that comes with a CRD", () => {
  test("is waited for, without keeping others up", async () => {
    server.put(SERVICES, { metadata: { name: "cart", namespace: "shop" } });
    await startSynced();
    expect(watch.objects("", "Service").length).toBe(1);
    expect(watch.apiResource(GROUP, "HTTPRoute")).toBeUndefined();
    expect(routes()).toEqual([]);
    expect(log.lines.filter(({ level }) => level !== "debug")).toEqual([]);

    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await until(() => routes().length === 1);
    expect(watch.apiResource(GROUP, "HTTPRoute")).toMatchObject({
      version: "v1",
      plural: "httproutes",
      namespaced: true,
      hasStatus: true,
    });
  });

  test("that is there at the start is listed before the view is whole", async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await startSynced();
    expect(routes()).toEqual(["cart"]);
  });

  test("is not asked for before it is established", async () => {
    define({ v1: true }, "False");
    await startSynced();
    expect(server.heard(routesPath("v1"))).toBe(0);
    define({ v1: true });
    await until(() => server.watchers(routesPath("v1")) === 1);
  });

  test("is read in the newest version that both sides know, and keeps its objects when that changes", async () => {
    define({ v1beta1: false });
    server.put(routesPath("v1beta1"), { ...route("cart"), apiVersion: `${GROUP}/v1beta1` });
    await startSynced();
    expect(watch.apiResource(GROUP, "HTTPRoute")).toMatchObject({ version: "v1beta1", hasStatus: false });
    expect(watch.resources()[0]?.apiVersion).toBe(`${GROUP}/v1beta1`);

    server.put(routesPath("v1"), route("cart"));
    server.refuse = ({ path }) => (path === routesPath("v1") ? { status: 429 } : undefined);
    define({ v1: true, v1beta1: false });
    await until(() => server.heard(routesPath("v1")) > 0);
    expect(routes()).toEqual(["cart"]);
    server.refuse = () => undefined;
    await until(() => watch.resources()[0]?.apiVersion === `${GROUP}/v1`);
    expect(server.watchers(routesPath("v1beta1"))).toBe(0);
  });

  test("whose CRD takes other fields is watched on, and is told to whoever writes", async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await startSynced();
    const before = watch.apiResource(GROUP, "HTTPRoute");
    changes.length = 0;
    define({ v1: true }, "True", 2);
    await until(() => changes.length > 0);
    expect(changes).toEqual(["objects"]);
    expect(watch.apiResource(GROUP, "HTTPRoute")).toEqual({ ...before, generation: 2 });
    expect(server.heard(routesPath("v1"), { watch: "true" })).toBe(1);
    expect(routes()).toEqual(["cart"]);
  });

  test("in no version that is known is told", async () => {
    define({ v1alpha9: false });
    await startSynced();
    expect(watch.apiResource(GROUP, "HTTPRoute")).toBeUndefined();
    expect(log.lines.find(({ level }) => level === "warn")).toMatchObject({ served: ["v1alpha9"] });
  });

  test("takes its objects along when it goes, and can come back", async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await startSynced();
    expect(watch.resources().length).toBe(1);
    server.unserve(routesPath("v1"));
    server.remove(CRDS, { metadata: { name: `httproutes.${GROUP}` } });
    await until(() => watch.resources().length === 0);
    expect(watch.apiResource(GROUP, "HTTPRoute")).toBeUndefined();
    expect(changes.at(-1)).toBe("resources");
    define({ v1: true });
    server.put(routesPath("v1"), route("new"));
    await until(() => routes().join() === "new");
  });

  test("is found gone after the watch of CRDs lost its history", async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await startSynced();
    server.refuse = ({ query, path }) => (path === CRDS && query.has("watch") ? { status: 503 } : undefined);
    server.dropWatches(CRDS);
    await until(() => server.watchers(CRDS) === 0);
    server.remove(CRDS, { metadata: { name: `httproutes.${GROUP}` } });
    server.compact();
    server.refuse = () => undefined;
    await until(() => routes().length === 0);
  });

  test("whose CRD cannot be read yet is read later, and keeps the view from being whole", async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    const definition = `${CRDS}/httproutes.${GROUP}`;
    server.refuse = ({ path }) => (path === definition ? { status: 500 } : undefined);
    start();
    await until(() => server.heard(definition) > 2 && BUILT_IN.every((path) => server.watchers(path) === 1));
    expect(isSynced).toBe(false);
    server.refuse = () => undefined;
    await until(() => isSynced);
    expect(routes()).toEqual(["cart"]);
  });
});

test("what a gateway never reads stays on the server", async () => {
  await startSynced();
  const termsOf = (path: string) =>
    server.requests
      .filter((one) => one.path === path)
      .map(({ query }) => query.get("fieldSelector")?.split(","));
  const [atList, atWatch] = termsOf("/api/v1/secrets");
  expect(atList).toEqual(
    expect.arrayContaining([
      "type!=helm.sh/release.v1",
      "type!=kubernetes.io/dockerconfigjson",
      "type!=kubernetes.io/service-account-token",
    ]),
  );
  expect(atWatch).toEqual(atList);
  expect(termsOf("/api/v1/configmaps")[0]).toEqual(["metadata.name!=kube-root-ca.crt"]);
});

test("one kind that is forbidden leaves all others as they are", async () => {
  server.put(SERVICES, { metadata: { name: "cart", namespace: "shop" } });
  server.refuse = ({ path }) => (path === "/api/v1/secrets" ? { status: 403 } : undefined);
  start();
  await until(() => server.watchers(SERVICES) === 1 && server.heard("/api/v1/secrets") > 1);
  expect(isSynced).toBe(false);
  await clock.advance(REFUSED_FOR_GOOD_MS);
  await until(() => isSynced);
  expect(watch.objects("", "Service").length).toBe(1);
  expect(log.lines.find(({ level }) => level === "warn")).toMatchObject({ resource: "secrets" });
});

describe("identity", () => {
  const first = () => watch.resources()[0];

  beforeEach(async () => {
    define({ v1: true });
    server.put(routesPath("v1"), route("cart"));
    await startSynced();
    await until(() => server.watchers(routesPath("v1")) === 1);
    changes.length = 0;
  });

  test("a status is a change of the object, and none that translation sees", async () => {
    const before = watch.resources();
    server.put(routesPath("v1"), route("cart", { status: { parents: [] } }));
    await until(() => changes.length === 1);
    expect(changes).toEqual(["objects"]);
    expect(watch.resources()).toBe(before);
    const ref = { group: GROUP, kind: "HTTPRoute", namespace: "shop", name: "cart" };
    expect(watch.object(ref)?.["status"]).toEqual({ parents: [] });
    expect(first()?.value).not.toHaveProperty("status");
  });

  test("a changed field is one, of that object alone", async () => {
    server.put(SERVICES, { metadata: { name: "cart", namespace: "shop" } });
    await until(() => changes.length === 1);
    const services = watch.resources().filter(({ kind }) => kind === "Service");
    const before = watch.resources();
    server.put(routesPath("v1"), route("cart", { spec: { hostnames: [] } }));
    await until(() => changes.length === 2);
    expect(changes[1]).toBe("resources");
    expect(watch.resources()).not.toBe(before);
    expect(watch.resources().filter(({ kind }) => kind === "Service")[0]).toBe(services[0]);
    expect(watch.resources().find(({ kind }) => kind === "HTTPRoute")?.value).toMatchObject({
      spec: { hostnames: [] },
    });
  });

  test("a list of the same objects changes nothing", async () => {
    const before = watch.resources();
    server.expire(routesPath("v1"));
    await until(() => server.heard(routesPath("v1"), { limit: "500" }) === 2);
    await until(() => server.watchers(routesPath("v1")) === 1);
    expect(changes).toEqual([]);
    expect(watch.resources()).toBe(before);
  });

  test("an object that was made anew under its name is another", async () => {
    const before = first();
    server.remove(routesPath("v1"), route("cart"));
    server.put(routesPath("v1"), route("cart", { metadata: { name: "cart", namespace: "shop", uid: "2" } }));
    await until(() => changes.length === 2);
    expect(first()).not.toBe(before);
    expect(first()?.position([])).toBeUndefined();
  });
});

test("after it is stopped it says nothing, and keeps what it heard", async () => {
  server.put(SERVICES, { metadata: { name: "cart", namespace: "shop" } });
  await startSynced();
  await until(() => server.watchers(SERVICES) === 1);
  await watch.stop();
  changes.length = 0;
  server.put(SERVICES, { metadata: { name: "other", namespace: "shop" } });
  await until(() => BUILT_IN.every((path) => server.watchers(path) === 0));
  expect(changes).toEqual([]);
  expect(watch.objects("", "Service").length).toBe(1);
});

test("there are numbers for every kind that is watched", async () => {
  define({ v1: true });
  server.put(routesPath("v1"), route("cart"));
  await startSynced();
  await until(() => server.watchers(routesPath("v1")) === 1);
  await clock.advance(30_000);
  const text = await renderMetrics(watch.samples());
  expect(text).toContain("limpet_kubernetes_api_server_up 1");
  expect(text).toContain(`limpet_kubernetes_objects{kind="httproutes.${GROUP}"} 1`);
  expect(text).toContain(`limpet_kubernetes_lists_total{kind="secrets"} 1`);
  expect(text).toContain(`limpet_kubernetes_watches_total{kind="endpointslices.discovery.k8s.io"} 1`);
  expect(text).toContain(`limpet_kubernetes_watch_silent_seconds{kind="pods"} 30`);
  expect(text).toContain(`{kind="customresourcedefinitions.apiextensions.k8s.io"}`);
});
