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

let cluster: Cluster;
/** What is typed before every script: commands find the repository, the cluster, and `limpet`. */
let prelude: string;

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
  prelude = [
    `limpet() { ${node} ${program} "$@"; }`,
    // What is written to files, goes here.
    `cd ${cluster.folder}`,
    `ln -sfn ${join(ROOT, "deploy")} deploy`,
  ].join("\n");
}, 1_200_000);

afterAll(() => cluster?.stop());

/** Answers standard output, without the space around it. */
async function shell(script: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.run("bash", ["-euc", `${prelude}\n${script}`]);
  if (code !== 0) throw new Error(`${script}: ${stderr}${stdout}`);
  return stdout.trim();
}

/** A block of the document. */
function block(language: "sh" | "console", part: string): string {
  return codeBlock("docs/kubernetes.md", language, part);
}

/** One line of such a block. */
function line(text: string, part: string): string {
  const found = text.split("\n").find((one) => one.includes(part));
  if (found === undefined) throw new Error(`no ${part} in ${text}`);
  return found.replace(/^\$ /, "");
}

interface LogLine {
  readonly pod: string;
  /** Undefined: it is no JSON. */
  readonly entry: Readonly<Record<string, unknown>> | undefined;
  readonly text: string;
}

/** Log and access log of all replicas. */
async function replicaLogs(): Promise<readonly LogLine[]> {
  const all = await shell(
    "kubectl -n limpet-system logs -l app.kubernetes.io/name=limpet --prefix --tail=-1",
  );
  return all.split("\n").map((one) => {
    const [pod = ""] = one.split(" ");
    const text = one.slice(pod.length + 1);
    return { pod, text, entry: text.startsWith("{") ? JSON.parse(text) : undefined };
  });
}

function gatewayAddress(): Promise<string> {
  return shell("kubectl get gateway edge -o jsonpath='{.status.addresses[*].value}'");
}

test("deploy/base installs, and its pods get ready with the rights that it gives them", async () => {
  await shell(line(block("sh", "kustomize edit"), "kubectl apply"));
  // The test cluster has no autoscaler.
  await shell("kubectl -n limpet-system scale deployment/limpet --replicas=2");
  const looks = block("console", "rollout status");
  expect(await shell(line(looks, "rollout status"))).toContain(looks.split("\n")[1]);
  await shell("kubectl wait --for=condition=Accepted gatewayclass/limpet --timeout=120s");
});

test("the application is served at the address of its Gateway", async () => {
  await shell(block("sh", "kind: HTTPRoute"));
  await shell("kubectl rollout status deployment/httpbin --timeout=120s");
  await shell(block("sh", "-c jar -b jar"));
  expect(await shell("kubectl get gateway edge")).toMatch(/^edge +limpet +10\.\S+ +True /m);
});

test("ten requests of one client are in the log of one pod, whichever replica has had them", async () => {
  const count = line(block("console", "kubectl logs -l app=httpbin"), "kubectl logs");
  // Logs take a moment.
  const counts = await until(async () => {
    const found = await shell(count);
    return /^ *10 /m.test(found) ? found : undefined;
  }, "ten requests in the log of one pod");
  expect(counts).toMatch(/^10 \[pod\/httpbin-[^/\n]+\/httpbin\]$/);
  const requests = (await replicaLogs()).filter(({ entry }) => entry?.["path"] === "/headers");
  expect(requests).toHaveLength(10);
  expect(new Set(requests.map(({ pod }) => pod)).size).toBe(2);
});

test("the route says what the document shows", async () => {
  const looks = block("console", "kubectl get httproute");
  const shown = looks.slice(looks.indexOf("\nAccepted="));
  const said = await shell(line(looks, "kubectl get httproute"));
  // The document breaks long lines.
  expect(said.split(/\s+/)).toEqual(shown.trim().split(/\s+/));
});

test("no replica was refused anything, or had anything to complain about", async () => {
  const complaints = (await replicaLogs()).filter(
    ({ entry, text }) =>
      /forbidden/i.test(text) ||
      // How soon the API server of a busy machine answers is nothing that it says about Limpet.
      (["warn", "error", "fatal"].includes(String(entry?.["level"])) &&
        !String(entry?.["msg"]).startsWith("the API server does not answer")),
  );
  expect(complaints).toEqual([]);
});

test("limpet explain opens the session's token with what the cluster has", async () => {
  const explain = block("sh", "limpet explain").trim();
  const cookie = `-H "cookie: $(awk '/home/ { print $6 "=" $7 }' jar)"`;
  const answer = await shell(`ADDRESS=${await gatewayAddress()}\n${explain} ${cookie} --json`);
  const [last] = (await replicaLogs()).filter(({ entry }) => entry?.["path"] === "/headers").slice(-1);
  expect(JSON.parse(answer)).toMatchObject({ endpoint: last?.entry?.["upstream_addr"], outcome: "kept" });
});

test("a key is put behind the first one as the document says, and all replicas have it", async () => {
  await shell(block("sh", "limpet token keygen"));
  await until(async () => {
    const known = (await replicaLogs()).filter(
      ({ entry }) => (entry?.["keys"] as string[] | undefined)?.length === 2,
    );
    return new Set(known.map(({ pod }) => pod)).size === 2;
  }, "both replicas to have two keys");
});

test("Limpet's own pods are replaced, and no request fails and no session ends", {
  timeout: 240_000,
}, async () => {
  const client = await SteadyClient.start({ url: `http://${await gatewayAddress()}/get`, perSecond: 20 });
  const pods = async () => (await shell("kubectl -n limpet-system get pods -o name")).split("\n");
  const before = await pods();
  await shell("kubectl -n limpet-system rollout restart deployment/limpet");
  await shell("kubectl -n limpet-system rollout status deployment/limpet --timeout=120s");
  // Those that are replaced drain yet.
  const areGone = async () => {
    const now = await pods();
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
  // In place of the network of the nodes and the router in front of them, which the test cluster has not.
  const annotations = { "cluster.limpet.dev/address-pool": "192.0.2.0/28" };
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
  await shell(`kubectl -n limpet-system patch deployment limpet -p '${patch}'`);
  await shell("kubectl -n limpet-system rollout status deployment/limpet --timeout=120s");
  await until(async () => (await gatewayAddress()) === "192.0.2.1", "an address of the pool", 60_000);
  const ask = "curl -s -o /dev/null -w '%{http_code}' -c jar -b jar http://192.0.2.1/headers";
  // A cookie is its host's: the jar learns the new one.
  await shell(`sed -i 's/^\\S*[0-9.]\\+\\t/192.0.2.1\\t/' jar`);
  await until(async () => (await shell(ask)) === "200", "an answer at the address");
  // Logs take a moment.
  const affinity = await until(async () => {
    const asked = (await replicaLogs()).find(({ entry }) => entry?.["path"] === "/headers");
    return asked?.entry?.["affinity"] as { outcome: string } | undefined;
  }, "the request in a log");
  expect(affinity).toMatchObject({ outcome: "kept" });
});
