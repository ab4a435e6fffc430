// The view of a cluster against a real API server: what it says is what there is, whatever happens to server, storage and token.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ApiClient } from "../../src/kubernetes/api/api-client.ts";
import { ApiError, type KubernetesClient, type KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { findConnection } from "../../src/kubernetes/api/connection.ts";
import { SYSTEM_CLOCK } from "../../src/kubernetes/clock.ts";
import { ClusterWatch } from "../../src/kubernetes/watch/cluster-watch.ts";
import type { ClusterChange } from "../../src/kubernetes/watch/kind-objects.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { gatewayCrds } from "../cluster/install/gateway-crds.ts";
import { until } from "../cluster/until.ts";
import { logLines } from "../support/log-lines.ts";

const GROUP = "gateway.networking.k8s.io";
const ROUTES = `/apis/${GROUP}/v1/namespaces/default/httproutes`;
const SERVICES = "/api/v1/namespaces/default/services";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/** After a fault the last state is right within this time. */
const RIGHT_WITHIN_MS = 5_000;

let cluster: Cluster;
let log: ReturnType<typeof logLines>;
const opened: { watch: ClusterWatch; client: ApiClient }[] = [];

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(() => cluster?.stop());

afterEach(async () => {
  for (const { watch, client } of opened.splice(0)) {
    await watch.stop();
    client.close();
  }
});

interface Opened {
  readonly watch: ClusterWatch;
  readonly changes: ClusterChange[];
  /** While true, nothing is heard: as if the network were cut. */
  readonly cut: (isCut: boolean) => void;
}

async function open(kubeconfig = cluster.kubeconfig): Promise<Opened> {
  log = logLines();
  const connection = await findConnection({ kubeconfig, env: {}, nowMs: Date.now });
  const client = new ApiClient({ connection, userAgent: "limpet/test", clock: SYSTEM_CLOCK });
  const link = new CuttableLink(client);
  const changes: ClusterChange[] = [];
  const watch = new ClusterWatch({
    client: link,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    logger: log.logger,
    onChange: (change) => changes.push(change),
  });
  opened.push({ watch, client });
  watch.start();
  return { watch, changes, cut: (isCut) => link.cut(isCut) };
}

/** Between the watch and its client: breaks what goes on, and refuses what comes, while it is cut. */
class CuttableLink implements KubernetesClient {
  readonly #client: KubernetesClient;
  #isCut = false;
  #abort = new AbortController();

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) this.#abort.abort();
    else this.#abort = new AbortController();
  }

  request: KubernetesClient["request"] = (method, path, options) => {
    if (this.#isCut) return Promise.reject(new ApiError("cut", { status: 0 }));
    return this.#client.request(method, path, options);
  };

  watch: KubernetesClient["watch"] = (path, query, options) => {
    if (this.#isCut) return Promise.reject(new ApiError("cut", { status: 0 }));
    return this.#client.watch(path, query, {
      ...options,
      signal: AbortSignal.any([options.signal, this.#abort.signal]),
    });
  };
}

async function openSynced(kubeconfig?: string): Promise<Opened> {
  const one = await open(kubeconfig);
  await one.watch.synced;
  return one;
}

function service(name: string, port = 80) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ports: [{ port, protocol: "TCP" }], clusterIP: "None" },
  };
}

function create(collection: string, body: object): Promise<KubernetesObject> {
  return cluster.client.request<KubernetesObject>("POST", collection, { body });
}

const names = (watch: ClusterWatch, group: string, kind: string) =>
  watch.objects(group, kind).map(({ metadata }) => metadata.name);

/** Name and version of each object, by kind, as a list says now. */
async function listed(path: string): Promise<readonly string[]> {
  const { items } = await cluster.client.request<{ items: KubernetesObject[] }>("GET", path);
  return items
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`)
    .sort();
}

const seen = (watch: ClusterWatch, group: string, kind: string) =>
  watch
    .objects(group, kind)
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`)
    .sort();

async function isRight(watch: ClusterWatch): Promise<boolean> {
  const pairs = [
    ["", "Service", "/api/v1/services"],
    ["discovery.k8s.io", "EndpointSlice", "/apis/discovery.k8s.io/v1/endpointslices"],
  ] as const;
  for (const [group, kind, path] of pairs) {
    const there = await listed(path).catch(() => undefined);
    if (there === undefined || there.join() !== seen(watch, group, kind).join()) return false;
  }
  return true;
}

function lists(watch: ClusterWatch, kind: string): number {
  return (
    watch
      .samples()
      .find(({ name, labels }) => name === "limpet_kubernetes_lists_total" && labels["kind"] === kind)
      ?.value ?? 0
  );
}

async function applyCrds(version: string, channel: "standard" | "experimental", only = /./): Promise<void> {
  const folder = await gatewayCrds(version, channel);
  for (const file of readdirSync(folder).filter((name) => only.test(name))) {
    await cluster.kubectl(["apply", "--server-side", "--force-conflicts", "-f", join(folder, file)]);
  }
}

describe("kinds", () => {
  test("come when their CRDs are installed, change their version with them, and go with them", async () => {
    const { watch, changes } = await openSynced();
    expect(watch.apiResource(GROUP, "HTTPRoute")).toBeUndefined();
    expect(watch.apiResource("", "Service")).toBeDefined();

    // Of 1.1, where TLSRoute is v1alpha2 and experimental.
    await applyCrds("1.1.1", "experimental");
    await until(() => watch.apiResource(GROUP, "TLSRoute")?.version === "v1alpha2", "TLSRoute v1alpha2");
    await until(() => watch.apiResource(GROUP, "HTTPRoute")?.hasStatus, "HTTPRoute");
    const route = { apiVersion: `${GROUP}/v1`, kind: "HTTPRoute", metadata: { name: "cart" }, spec: {} };
    await create(ROUTES, route);
    await until(() => names(watch, GROUP, "HTTPRoute").join() === "cart", "the route");
    const resource = watch.resources().find(({ kind }) => kind === "HTTPRoute");
    // The API server filled in its defaults.
    expect(resource?.value).toMatchObject({ spec: { rules: [{ matches: [{ path: { value: "/" } }] }] } });

    changes.length = 0;
    await applyCrds("1.7.0", "experimental");
    await until(() => watch.apiResource(GROUP, "TLSRoute")?.version === "v1", "TLSRoute v1");
    await until(() => watch.apiResource("gateway.networking.x-k8s.io", "XBackend"), "XBackend");
    expect(names(watch, GROUP, "HTTPRoute")).toEqual(["cart"]);

    await cluster.kubectl(["delete", "crd", `httproutes.${GROUP}`]);
    await until(() => watch.apiResource(GROUP, "HTTPRoute") === undefined, "HTTPRoute to go");
    expect(names(watch, GROUP, "HTTPRoute")).toEqual([]);
    expect(watch.resources().filter(({ kind }) => kind === "HTTPRoute")).toEqual([]);

    await applyCrds("1.7.0", "standard", /_httproutes\.yaml/);
    await until(async () => {
      await create(ROUTES, route).catch(() => undefined);
      return names(watch, GROUP, "HTTPRoute").join() === "cart";
    }, "the route to be back");
    expect(log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  test("are all there when a view is whole", async () => {
    const { watch } = await openSynced();
    expect(names(watch, GROUP, "HTTPRoute")).toEqual(["cart"]);
    expect(await isRight(watch)).toBe(true);
  });
});

test("a status is a change of its object, and none that translation sees", async () => {
  const { watch, changes } = await openSynced();
  const before = watch.resources();
  changes.length = 0;
  const accepted = {
    type: "Accepted",
    status: "True",
    reason: "Accepted",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const parent = { parentRef: { name: "gw" }, controllerName: "example.com/other", conditions: [accepted] };
  await cluster.client.request("PATCH", `${ROUTES}/cart/status`, {
    body: { status: { parents: [parent] } },
    contentType: "application/merge-patch+json",
  });
  const ref = { group: GROUP, kind: "HTTPRoute", namespace: "default", name: "cart" };
  await until(() => watch.object(ref)?.["status"] !== undefined, "the status");
  expect(changes).toEqual(["objects"]);
  expect(watch.resources()).toBe(before);
});

describe("history that is lost", () => {
  test("a real 410 lists the kind anew: what went meanwhile is gone, and what stayed is the same object", async () => {
    await create(SERVICES, service("goes"));
    await create(SERVICES, service("stays"));
    const { watch, cut } = await openSynced();
    const stays = () =>
      watch.resources().find(({ object: { kind, name } }) => kind === "Service" && name === "stays");
    const before = stays();
    expect(before).toBeDefined();
    const listsBefore = lists(watch, "services");

    cut(true);
    await cluster.client.request("DELETE", `${SERVICES}/goes`);
    const last = await create(SERVICES, service("comes"));
    await compact(Number(last.metadata.resourceVersion));
    // Its cache begins anew, and knows nothing from before.
    await cluster.controlPlane.apiServer.restart();
    expect(names(watch, "", "Service")).toContain("goes");
    cut(false);

    await until(() => isRight(watch), "the view to be right", RIGHT_WITHIN_MS);
    expect(names(watch, "", "Service")).not.toContain("goes");
    expect(names(watch, "", "Service")).toContain("comes");
    expect(lists(watch, "services")).toBeGreaterThan(listsBefore);
    expect(failures(watch, "services")).toContain("410");
    expect(stays()).toBe(before);
  });

  /** Etcd forgets everything before this revision, as it does by itself every five minutes. */
  async function compact(revision: number): Promise<void> {
    const response = await fetch(`http://${cluster.network.nodeAddress}:2379/v3/kv/compaction`, {
      method: "POST",
      body: JSON.stringify({ revision: String(revision), physical: true }),
    });
    expect(response.ok).toBe(true);
  }

  function failures(watch: ClusterWatch, kind: string): (string | undefined)[] {
    return watch
      .samples()
      .filter(
        ({ name, labels }) => name === "limpet_kubernetes_watch_failures_total" && labels["kind"] === kind,
      )
      .map(({ labels }) => labels["code"]);
  }
});

describe("faults", () => {
  test("the API server is killed and comes back: the view stays, and is right soon after", async () => {
    const { watch } = await openSynced();
    const before = watch.resources();
    await cluster.controlPlane.apiServer.kill();
    await until(() => log.lines.some(({ msg }) => msg.includes("does not answer")), "the outage to be told");
    await pauseUntil(performance.now() + 10_000);
    expect(watch.resources()).toBe(before);
    await cluster.controlPlane.apiServer.start();
    await create(SERVICES, service("after-kill"));
    await until(() => isRight(watch), "the view to be right", RIGHT_WITHIN_MS);
    // What else a server that has just begun refuses is another matter.
    expect(log.lines.filter(({ msg }) => msg.includes("does not answer")).length).toBe(1);
  });

  test("etcd stands still for 30 s: the view stays, and is right soon after", async () => {
    const { watch } = await openSynced();
    const before = watch.resources();
    cluster.controlPlane.etcd.pause();
    await pauseUntil(performance.now() + 30_000);
    expect(watch.resources()).toBe(before);
    cluster.controlPlane.etcd.resume();
    await until(() => create(SERVICES, service("after-pause")).catch(() => false), "etcd to write again");
    await until(() => isRight(watch), "the view to be right", RIGHT_WITHIN_MS);
  });

  test("1,000 changes of EndpointSlices in 10 s are all there, each soon after it was made", async () => {
    const count = 20;
    await Promise.all(
      Array.from({ length: count }, (_, index) => create(SLICES, slice(`burst-${index}`, 0))),
    );
    const { watch } = await openSynced();
    const delays: number[] = [];
    const beganMs = performance.now();
    for (let round = 1; round <= 1_000 / count; round++) {
      await Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const name = `burst-${index}`;
          const put = await cluster.client.request<KubernetesObject>("PUT", `${SLICES}/${name}`, {
            body: slice(name, round),
          });
          const madeMs = performance.now();
          const ref = { group: "discovery.k8s.io", kind: "EndpointSlice", namespace: "default", name };
          const version = Number(put.metadata.resourceVersion);
          await until(
            () => Number(watch.object(ref)?.metadata.resourceVersion) >= version,
            `round ${round} of ${name}`,
            RIGHT_WITHIN_MS,
          );
          delays.push(performance.now() - madeMs);
        }),
      );
      await pauseUntil(beganMs + round * ((10_000 * count) / 1_000));
    }
    delays.sort((a, b) => a - b);
    expect(delays.length).toBe(1_000);
    // A machine that stands still for a moment delays all twenty of a round at once, so two rounds may be late.
    expect(delays[949]).toBeLessThan(1_000);
    expect(await isRight(watch)).toBe(true);
  });

  async function pauseUntil(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())));
  }

  function slice(name: string, round: number) {
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": "burst" } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: [{ addresses: [`10.1.${round % 250}.7`], conditions: { ready: true } }],
    };
  }
});

describe("a service account", () => {
  const ACCOUNT = "watcher";
  let file: string;

  beforeAll(async () => {
    file = join(cluster.folder, "token");
    await cluster.kubectl(["create", "serviceaccount", ACCOUNT]);
    await cluster.kubectl([
      "create",
      "clusterrole",
      "watch-some",
      "--verb=list,watch",
      `--resource=${ALLOWED}`,
    ]);
    await cluster.kubectl([
      "create",
      "clusterrolebinding",
      "watch-some",
      "--clusterrole=watch-some",
      `--serviceaccount=default:${ACCOUNT}`,
    ]);
  });

  const ALLOWED = "services,pods,namespaces,endpointslices.discovery.k8s.io";

  /** A token that is good for as long as the Secret is there. */
  async function token(secret: string): Promise<string> {
    const { metadata } = JSON.parse(
      await cluster.kubectl(["create", "secret", "generic", secret, "-o", "json"]),
    ) as KubernetesObject;
    const answer = await cluster.client.request<{ status: { token: string } }>(
      "POST",
      `/api/v1/namespaces/default/serviceaccounts/${ACCOUNT}/token`,
      {
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: { boundObjectRef: { apiVersion: "v1", kind: "Secret", name: secret, uid: metadata.uid } },
        },
      },
    );
    return answer.status.token;
  }

  async function kubeconfigOf(tokenFile: string): Promise<string> {
    const text = await cluster.kubectl(["config", "view", "--raw", "-o", "json"]);
    const config = JSON.parse(text) as { users: { user: object }[] };
    for (const one of config.users) one.user = { tokenFile };
    const path = join(cluster.folder, "account-kubeconfig");
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  test("that may not read a kind is told which permission is missing; with it the kind is there", async () => {
    writeFileSync(file, await token("first"));
    const { watch } = await openSynced(await kubeconfigOf(file));
    expect(names(watch, "", "Service").length).toBeGreaterThan(0);
    expect(names(watch, "", "Secret")).toEqual([]);
    // Without CustomResourceDefinitions nothing is known of the kinds that come with them.
    expect(watch.apiResource(GROUP, "HTTPRoute")).toBeUndefined();
    const missing = log.lines.filter(({ msg }) => msg.includes("permission is missing"));
    expect(missing.map(({ resource }) => resource).sort()).toEqual([
      "configmaps",
      "customresourcedefinitions.apiextensions.k8s.io",
      "secrets",
    ]);

    const more = `secrets,configmaps,customresourcedefinitions.apiextensions.k8s.io,httproutes.${GROUP}`;
    await cluster.kubectl([
      "create",
      "clusterrole",
      "watch-more",
      "--verb=get,list,watch",
      `--resource=${more}`,
    ]);
    await cluster.kubectl([
      "create",
      "clusterrolebinding",
      "watch-more",
      "--clusterrole=watch-more",
      `--serviceaccount=default:${ACCOUNT}`,
    ]);
    await until(() => names(watch, "", "Secret").includes("first"), "secrets", 60_000);
    await until(() => names(watch, GROUP, "HTTPRoute").includes("cart"), "routes", 60_000);
    expect(watch.apiResource(GROUP, "TLSRoute")).toBeDefined();
  });

  test("whose token is worth nothing any more goes on with the one that took its place", async () => {
    writeFileSync(file, await token("second"));
    const { watch } = await openSynced(await kubeconfigOf(file));
    await cluster.kubectl(["delete", "secret", "second"]);
    // Watches outlive their token. All of them begin anew with a server that does not know it.
    await cluster.controlPlane.apiServer.restart();
    await until(
      () => log.lines.some(({ reason }) => String(reason).includes("401")),
      "the token to be refused",
      60_000,
    );
    expect(names(watch, "", "Service").length).toBeGreaterThan(0);

    writeFileSync(file, await token("third"));
    await create(SERVICES, service("after-rotation"));
    await until(() => names(watch, "", "Service").includes("after-rotation"), "the new service", 45_000);
    rmSync(file);
  });
});
