// Services of Gateways on a real API server, with two replicas as pods: what is made, what leads where, what stays and what goes.
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesObject, ListPage } from "../../src/kubernetes/api/client.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";
import { deployLimpet } from "./limpet-deployment.ts";

const MANIFESTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: other}
spec: {controllerName: example.com/other}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 3
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
        - name: cart
          image: echo-basic
          env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          readinessProbe: {httpGet: {path: /health, port: 3000}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80, targetPort: 3000}], selector: {app: cart}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
    - matches: [{path: {value: /old}}]
      filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}]
    - backendRefs: [{name: cart, port: 80}]
      sessionPersistence: {cookie: {name: home}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: inside}
spec:
  parentRefs: [{name: inner}]
  hostnames: [inner.example]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
`;

interface Spec {
  readonly className?: string;
  readonly ports?: readonly number[];
  readonly more?: object;
}

function gateway(name: string, { className = "limpet", ports = [80], more = {} }: Spec = {}): string {
  const listeners = ports.map((port) => ({ name: `http-${port}`, port, protocol: "HTTP" }));
  return JSON.stringify({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name },
    spec: { gatewayClassName: className, listeners, ...more },
  });
}

interface Slice extends KubernetesObject {
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly {
    readonly addresses: readonly [string];
    readonly conditions: { readonly ready: boolean };
    readonly nodeName: string;
  }[];
}

/** The garbage collector looks for new kinds, such as Gateways, every 30 s, and knows no owners of those it has not found. */
const COLLECTED_MS = 120_000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ gatewayApi: "1.7.0", channel: "experimental" });
  await apply(MANIFESTS);
  await apply(gateway("edge", { more: { infrastructure: { labels: { team: "cart", tier: "web" } } } }));
  await cluster.kubectl(["rollout", "status", "deployment/cart", "--timeout=120s"]);
  await deployLimpet(cluster, { classes: ["limpet"], args: ["--drain-timeout=1s"] });
}, 600_000);

afterAll(() => cluster?.stop());

const apply = (manifest: string) => cluster.kubectl(["apply", "-f", "-"], manifest);

async function find(path: string): Promise<KubernetesObject | undefined> {
  return cluster.client.request<KubernetesObject>("GET", path).catch((error: { status?: number }) => {
    if (error.status === 404) return undefined;
    throw error;
  });
}

const serviceOf = (name: string) => find(`/api/v1/namespaces/default/services/${name}-limpet`);

interface ServiceSpec {
  readonly type: string;
  readonly clusterIP: string;
  readonly ports: readonly { readonly port: number }[];
}

async function specOf(name: string): Promise<ServiceSpec> {
  const service = await serviceOf(name);
  expect(service).toBeDefined();
  return (service as KubernetesObject)["spec"] as ServiceSpec;
}

async function slicesOf(name: string): Promise<readonly Slice[]> {
  const query = { labelSelector: `kubernetes.io/service-name=${name}-limpet` };
  const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  return (await cluster.client.request<ListPage>("GET", path, { query })).items as readonly Slice[];
}

/** `ip:port` of each replica that is ready, for one port of the Gateway's Service. */
async function placesOf(name: string, port = 80): Promise<readonly string[]> {
  return (await slicesOf(name)).flatMap(({ endpoints, ports }) => {
    const bound = ports.find((one) => one.name === `port-${port}`)?.port;
    if (bound === undefined) return [];
    const ready = endpoints.filter(({ conditions }) => conditions.ready);
    return ready.map(({ addresses: [ip] }) => `${ip}:${bound}`);
  });
}

function replicas(name: string, count: number, port?: number): Promise<readonly string[]> {
  const found = async () => {
    const places = await placesOf(name, port);
    return places.length === count && places;
  };
  return until(found, `${count} replicas behind ${name}`, 60_000);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function ask(place: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(`http://${place}`);
    const sent = request({
      hostname,
      port,
      path,
      agent: false,
      headers: { host: "shop.example", ...headers },
    });
    sent.once("error", fail).once("response", (response) => {
      void text(response).then((body) => {
        done({ status: response.statusCode, headers: response.headers, body });
      }, fail);
    });
    sent.end();
  });
}

function answers(
  place: string,
  wanted: number,
  path = "/",
  headers: Record<string, string> = {},
): Promise<Answer> {
  const asked = async () => {
    const answer = await ask(place, path, headers).catch(() => undefined);
    return answer?.status === wanted && answer;
  };
  return until(asked, `${wanted} of ${place}`);
}

const served = (place: string, path?: string, headers?: Record<string, string>) =>
  answers(place, 200, path, headers);

async function condition(name: string, type: string): Promise<string> {
  const query = `{.status.conditions[?(@.type=="${type}")]['status','reason','message']}`;
  return cluster.kubectl(["get", "gateway", name, "-o", `jsonpath=${query}`]);
}

test("a Service leads to both replicas, at a port of their own that clients never hear of", async () => {
  const places = await replicas("edge", 2);
  expect(await serviceOf("edge")).toMatchObject({
    metadata: { labels: { team: "cart", tier: "web", "gateway.networking.k8s.io/gateway-name": "edge" } },
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ port: 80, targetPort: 20_000 }] },
  });
  const [slice] = await slicesOf("edge");
  expect(slice?.endpoints.every(({ nodeName }) => nodeName !== "")).toBe(true);
  for (const place of places) {
    await served(place);
    const { status, headers } = await ask(place, "/old");
    expect([status, headers.location]).toEqual([302, "http://shop.example/new"]);
  }
});

test("a session that one replica began goes on at the other", async () => {
  const [one = "", other = ""] = await replicas("edge", 2);
  const first = await served(one);
  const [cookie = ""] = (first.headers["set-cookie"]?.[0] ?? "").split(";");
  expect(cookie).toMatch(/^home=/);
  const { pod } = JSON.parse(first.body) as { pod: string };
  for (const place of [other, one, other, one, other, one]) {
    const answer = await ask(place, "/", { cookie });
    expect(JSON.parse(answer.body)).toMatchObject({ pod });
    expect(answer.headers["set-cookie"]).toBeUndefined();
  }
  // Sealed, with a key that was made once.
  expect(Buffer.from(cookie.slice("home=".length), "base64").toString("latin1")).not.toContain(":3000");
  const path = "/api/v1/namespaces/limpet-system/secrets/limpet-session-keys";
  const secret = await find(path);
  const data = secret?.["data"] as Record<string, string> | undefined;
  const keys = Buffer.from(data?.["keys"] ?? "", "base64").toString();
  expect(keys).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  const logs = await cluster.kubectl([
    "-n",
    "limpet-system",
    "logs",
    "-l",
    "app.kubernetes.io/name=limpet",
    "--tail=-1",
  ]);
  expect(logs).not.toContain(keys.trim());
});

test("a Gateway is programmed when its load balancer has an address", async () => {
  await until(
    async () => (await condition("edge", "Programmed")).startsWith("False AddressNotAssigned"),
    "why not",
  );
  await cluster.client.request("PATCH", "/api/v1/namespaces/default/services/edge-limpet/status", {
    body: { status: { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } } },
    contentType: "application/merge-patch+json",
  });
  await cluster.kubectl(["wait", "--for=condition=Programmed", "gateway/edge", "--timeout=120s"]);
  expect(await cluster.kubectl(["get", "gateway", "edge", "-o", "jsonpath={.status.addresses}"])).toBe(
    '[{"type":"IPAddress","value":"203.0.113.7"}]',
  );
});

test("what the Gateway no longer says goes from the Service, and what others say there stays", async () => {
  await cluster.kubectl(["annotate", "service", "edge-limpet", "example.com/lb=theirs"]);
  await apply(gateway("edge", { ports: [80, 8080], more: { infrastructure: { labels: { team: "cart" } } } }));
  const service = await until(async () => {
    const found = await serviceOf("edge");
    return found?.metadata.labels?.["tier"] === undefined && found;
  }, "the label's end");
  expect(service.metadata).toMatchObject({
    labels: { team: "cart" },
    annotations: { "example.com/lb": "theirs" },
  });
  expect(service["spec"]).toMatchObject({
    ports: [
      { port: 80, targetPort: 20_000 },
      { port: 8080, targetPort: 20_001 },
    ],
  });
  for (const place of await replicas("edge", 2, 8080)) await served(place);
  await apply(gateway("edge", { more: { infrastructure: { labels: { team: "cart" } } } }));
  await until(async () => (await specOf("edge")).ports.length === 1, "the port's end");
});

test("two Gateways with one port never see each other's routes, whoever leads", async () => {
  await apply(gateway("inner"));
  const all = [...(await replicas("edge", 2)), ...(await replicas("inner", 2))];
  const [edge = "", , inner = ""] = all;
  expect(edge.split(":")[0]).toBe(inner.split(":")[0]);
  await served(inner, "/", { host: "inner.example" });
  expect((await ask(inner, "/")).status).toBe(404);
  const before = [await placesOf("edge"), await placesOf("inner")].map((places) => places[0]?.split(":")[1]);

  await cluster.kubectl(["-n", "limpet-system", "delete", "pod", "--all", "--wait=false"]);
  const old = new Set(all);
  const renewed = async (name: string) => {
    const places = await placesOf(name);
    return places.length === 2 && places.every((place) => !old.has(place)) && places;
  };
  const edges = await until(() => renewed("edge"), "new replicas behind edge", 60_000);
  const inners = await until(() => renewed("inner"), "new replicas behind inner", 60_000);
  for (const place of edges) await served(place);
  for (const place of inners) await served(place, "/", { host: "inner.example" });
  expect([edges, inners].map((places) => places[0]?.split(":")[1])).toEqual(before);
});

test("the endpoints follow the replicas", async () => {
  await cluster.kubectl(["-n", "limpet-system", "scale", "deployment/limpet", "--replicas=3"]);
  for (const place of await replicas("edge", 3)) await served(place);
  await cluster.kubectl(["-n", "limpet-system", "scale", "deployment/limpet", "--replicas=2"]);
  await replicas("edge", 2);
});

test("parameters make a Service of the cluster alone, and wrong ones are told", async () => {
  const parametersRef = { group: "", kind: "ConfigMap", name: "inside-only" };
  await apply(gateway("private", { more: { infrastructure: { parametersRef } } }));
  await until(
    async () => (await condition("private", "Accepted")).startsWith("False InvalidParameters"),
    "a refusal",
  );
  await cluster.kubectl(["create", "configmap", "inside-only", "--from-literal=serviceType=ClusterIP"]);
  await cluster.kubectl(["wait", "--for=condition=Programmed", "gateway/private", "--timeout=120s"]);
  const { type, clusterIP } = await specOf("private");
  expect(type).toBe("ClusterIP");
  expect(
    await cluster.kubectl(["get", "gateway", "private", "-o", "jsonpath={.status.addresses[0].value}"]),
  ).toBe(clusterIP);
  await cluster.kubectl(["delete", "gateway", "private"]);
});

test("a name of 253 characters has a Service too", async () => {
  const name = "a".repeat(253);
  await apply(gateway(name));
  const service = await until(async () => {
    const { items } = await cluster.client.request<ListPage>("GET", "/api/v1/namespaces/default/services");
    return items.find((one) => {
      const owners = one.metadata["ownerReferences"] as { name: string }[] | undefined;
      return owners?.[0]?.name === name;
    });
  }, "its Service");
  expect(service.metadata.name).toMatch(/^a{43}-[0-9a-f]{12}-limpet$/);
  await cluster.kubectl(["delete", "gateway", name]);
});

test("a Service that is somebody else's is left alone", async () => {
  await cluster.kubectl(["create", "service", "clusterip", "taken-limpet", "--tcp=9:9"]);
  await apply(gateway("taken"));
  await until(async () => (await condition("taken", "Programmed")).includes("another Service"), "why not");
  expect((await specOf("taken")).ports).toMatchObject([{ port: 9 }]);
  await cluster.kubectl(["delete", "service", "taken-limpet"]);
  await replicas("taken", 2);
});

test("when a Gateway goes, is made anew, or changes its class, its Service goes along", async () => {
  const before = (await serviceOf("taken"))?.metadata.uid;
  await cluster.kubectl(["delete", "gateway", "taken"]);
  await apply(gateway("taken"));
  await until(async () => {
    const uid = (await serviceOf("taken"))?.metadata.uid;
    return uid !== undefined && uid !== before;
  }, "a new Service");
  for (const place of await replicas("taken", 2)) await answers(place, 404);
  await apply(gateway("taken", { className: "other" }));
  await until(async () => (await serviceOf("taken")) === undefined, "the end of the Service");
  await cluster.kubectl(["delete", "gateway", "inner"]);
  await until(async () => (await serviceOf("inner")) === undefined, "the end of the Service", COLLECTED_MS);
  await until(async () => (await slicesOf("inner")).length === 0, "the end of its slices", COLLECTED_MS);
}, 300_000);
