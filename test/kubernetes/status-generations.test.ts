// Statuses with the CRDs of every generation of Gateway API: whatever those do not know is left out, and the rest stands there.
import { afterEach, expect, test } from "vitest";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";
import { find, isAccepted, ours, StatusWorld } from "./status-world.ts";

const MANIFESTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: limpet}
spec: {controllerName: limpet.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  allowedListeners: {namespaces: {from: Same}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}], selector: {app: cart}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
`;

const LISTENER_SET = (apiVersion: string, kind: string) => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: {name: more}
spec:
  parentRef: {name: edge}
  listeners: [{name: more, port: 8080, protocol: HTTP}]
`;

let cluster: Cluster | undefined;
let world: StatusWorld | undefined;

afterEach(async () => {
  await world?.stop();
  await cluster?.stop();
});

async function begin(gatewayApi: string): Promise<StatusWorld> {
  cluster = await startCluster({ gatewayApi, channel: "experimental" });
  world = await StatusWorld.start(cluster);
  // Fields of later generations are none of an error to older CRDs.
  await cluster.kubectl(["apply", "--validate=ignore", "-f", "-"], MANIFESTS);
  return world;
}

/** Refusals, and statuses that are written again and again, are what a wrong field comes to. */
async function expectQuiet({ writer, log }: StatusWorld): Promise<void> {
  const samples = () => writer.samples().filter(({ name }) => name.startsWith("limpet_kubernetes_status"));
  await until(
    () => samples().every(({ name, value }) => !name.endsWith("waiting") || value === 0),
    "all written",
  );
  const before = samples();
  expect(before.filter(({ labels }) => labels["result"] === "refused")).toEqual([]);
  for (let count = 0; count < 10; count++) {
    writer.viewChanged();
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  expect(samples()).toEqual(before);
  expect(log.filter((line) => line.includes("status"))).toEqual([]);
}

test.each(["1.1.1", "1.2.1", "1.3.0", "1.4.1", "1.5.1", "1.6.3", "1.7.0"])(
  "Gateway API %s",
  async (version) => {
    const here = await begin(version);
    await here.statusOf("gatewayclass", "limpet", isAccepted);
    const { status } = await here.statusOf("gateway", "edge", ({ listeners }) => listeners?.length === 1);
    expect(find(status.listeners?.[0]?.conditions, "Accepted")?.status).toBe("True");
    await here.statusOf("httproute", "shop", ({ parents }) => {
      return ours(parents).some(({ conditions }) => isAccepted({ conditions }));
    });
    await expectQuiet(here);
  },
);

test.each([
  ["1.3.0", "gateway.networking.x-k8s.io/v1alpha1", "XListenerSet"],
  ["1.4.1", "gateway.networking.x-k8s.io/v1alpha1", "XListenerSet"],
  ["1.7.0", "gateway.networking.k8s.io/v1", "ListenerSet"],
])("listeners in sets of Gateway API %s", async (version, apiVersion, kind) => {
  const here = await begin(version);
  await here.apply(LISTENER_SET(apiVersion, kind));
  const { status } = await here.statusOf(kind, "more", isAccepted);
  expect(status.listeners?.map(({ name }) => name)).toEqual(["more"]);
  await expectQuiet(here);
});
