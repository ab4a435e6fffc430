// docs/kubernetes.md as people play it: installed from deploy/, with the rights of deploy/ and no others, and asked as it says there.
import { cpSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeBundle } from "../../scripts/bundle.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { privateFiles } from "../cluster/inside.ts";
import { until } from "../cluster/until.ts";
import { codeBlock } from "../support/markdown-blocks.ts";
import { SteadyClient } from "./steady-client.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const DOCUMENT = "docs/kubernetes.md";

let cluster: Cluster;

beforeAll(async () => {
  // Where the user of the pods can read it, with the Node.js of the image beside it.
  const image = join(privateFiles(), "image");
  mkdirSync(image, { recursive: true });
  const { program } = await makeBundle(image);
  const node = join(image, "node");
  cpSync(process.execPath, node);
  cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    serviceAddresses: true,
    images: [
      { image: /^limpet:/, program: ({ args = [] }) => ({ program: node, args: [program, ...args] }) },
    ],
  });
}, 1_200_000);

afterAll(() => cluster?.stop());

/** Answers standard output, without the space around it; commands of the document find kubectl and the cluster. */
async function shell(script: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.run("bash", ["-euc", `cd ${ROOT}\n${script}`]);
  if (code !== 0) throw new Error(`${script}: ${stderr}${stdout}`);
  return stdout.trim();
}

/** The command of a block with this in it. */
function command(block: string, part: string): string {
  const line = block.split("\n").find((one) => one.includes(part));
  if (line === undefined) throw new Error(`no ${part} in ${block}`);
  return line.replace(/^\$ /, "");
}

test("deploy/base installs, and its pods get ready with the rights that it gives them", async () => {
  await shell(command(codeBlock(DOCUMENT, "sh", "kustomize edit"), "kubectl apply"));
  // The test cluster has no autoscaler.
  await shell("kubectl -n limpet-system scale deployment/limpet --replicas=2");
  const looks = codeBlock(DOCUMENT, "console", "rollout status");
  expect(await shell(command(looks, "rollout status"))).toContain(looks.split("\n")[1]);
  await shell("kubectl wait --for=condition=Accepted gatewayclass/limpet --timeout=30s");
});

test("the application of the document is served at the address of its Gateway", async () => {
  await shell(codeBlock(DOCUMENT, "sh", "kind: HTTPRoute"));
  await shell("kubectl rollout status deployment/httpbin --timeout=60s");
  const ask = codeBlock(DOCUMENT, "sh", "-c jar -b jar");
  await shell(`cd ${cluster.folder}; ${ask}`);
  expect(await shell("kubectl get gateway edge")).toMatch(/^edge +limpet +10\.\S+ +True /m);
});

test("ten requests of one client are in the log of one pod, whichever replica has had them", async () => {
  const count = command(codeBlock(DOCUMENT, "console", "kubectl logs -l app=httpbin"), "kubectl logs");
  // Logs take a moment.
  const lines = await until(async () => {
    const found = await shell(count);
    return /^ *10 /m.test(found) ? found : undefined;
  }, "ten requests in the log of one pod");
  expect(lines).toMatch(/^10 \[pod\/httpbin-[^/\n]+\/httpbin\]$/);
  const access = await shell(
    "kubectl -n limpet-system logs -l app.kubernetes.io/name=limpet --prefix --tail=-1",
  );
  const replicas = access.split("\n").filter((line) => line.includes('"path":"/headers"'));
  expect(replicas).toHaveLength(10);
  expect(new Set(replicas.map((line) => line.split(" ")[0])).size).toBe(2);
});

test("no replica was refused anything", async () => {
  const logs = await shell("kubectl -n limpet-system logs -l app.kubernetes.io/name=limpet --tail=-1");
  const told = logs.split("\n").filter((line) => /^\{"level":"(warn|error|fatal)"/.test(line));
  expect(told).toEqual([]);
  expect(logs).not.toMatch(/forbidden/i);
});

test("the keys of sessions are a Secret, and no token shows an address", async () => {
  const keys = await shell("kubectl -n limpet-system get secret limpet-session-keys -o jsonpath='{.data}'");
  expect(Object.keys(JSON.parse(keys) as object)).toHaveLength(1);
  const looks = codeBlock(DOCUMENT, "console", "kubectl get httproute");
  const conditions = await shell(command(looks, "kubectl get httproute"));
  expect(conditions).toMatch(/^Accepted=True Accepted: /m);
  expect(conditions).not.toContain("sealed token");
});

test("Limpet's own pods are replaced, and no request fails and no session ends", {
  timeout: 240_000,
}, async () => {
  const address = await shell("kubectl get gateway edge -o jsonpath='{.status.addresses[0].value}'");
  const client = await SteadyClient.start({ url: `http://${address}/get`, perSecond: 20 });
  const pods = () => shell("kubectl -n limpet-system get pods -o name");
  const before = (await pods()).split("\n");
  await shell("kubectl -n limpet-system rollout restart deployment/limpet");
  await shell("kubectl -n limpet-system rollout status deployment/limpet --timeout=120s");
  // Those that are replaced drain yet.
  const areGone = async () => {
    const now = (await pods()).split("\n");
    return !before.some((pod) => now.includes(pod));
  };
  await until(areGone, "the end of the old pods", 60_000);
  await client.stop();
  expect(client.failures).toEqual([]);
  expect(client.newSessions).toEqual([]);
  expect(client.answered).toBeGreaterThan(200);
});

test("deploy/bare-metal gives the Gateway an address of its own, and the session goes on", {
  timeout: 240_000,
}, async () => {
  await shell("kubectl apply --server-side -k deploy/bare-metal");
  // For the network of the node and the router in front of it, which the test cluster has not.
  const annotation = { "cluster.limpet.dev/address-pool": "192.0.2.0/28" };
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations: annotation } } } });
  await shell(`kubectl -n limpet-system patch deployment limpet -p '${patch}'`);
  await shell("kubectl -n limpet-system rollout status deployment/limpet --timeout=120s");
  const address = () => shell("kubectl get gateway edge -o jsonpath='{.status.addresses[*].value}'");
  await until(async () => (await address()) === "192.0.2.1", "an address of the pool", 60_000);
  const ask = "curl -s -o /dev/null -w '%{http_code}' -c jar -b jar http://192.0.2.1/ip";
  await until(
    async () => (await shell(`cd ${cluster.folder}; ${ask}`)) === "200",
    "an answer at the address",
  );
  const homes = await shell(
    "kubectl logs -l app=httpbin --prefix --tail=-1 | grep -E 'GET /(headers|ip)' | cut -d' ' -f1 | sort -u",
  );
  expect(homes.split("\n")).toHaveLength(1);
});
