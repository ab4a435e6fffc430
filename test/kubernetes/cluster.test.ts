// The test cluster itself: that its pods, endpoints, logs and faults are those of a Kubernetes cluster.
import { get } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { until } from "../cluster/until.ts";

const HTTPBIN = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: httpbin}
spec:
  selector: {matchLabels: {app: httpbin}}
  template:
    metadata: {labels: {app: httpbin}}
    spec:
      containers:
        - name: httpbin
          image: docker.io/kong/httpbin
          ports: [{containerPort: 80}]
          readinessProbe: {httpGet: {path: /status/200, port: 80}}
---
apiVersion: v1
kind: Service
metadata: {name: httpbin}
spec:
  selector: {app: httpbin}
  ports: [{name: http, port: 8000, targetPort: 80}]
`;

interface Endpoint {
  readonly addresses: readonly string[];
  readonly zone?: string;
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    vendors: ["istio", "kgateway"],
    zones: ["a", "b"],
    serviceAddresses: true,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
});

afterAll(() => cluster?.stop());

async function endpoints(service: string): Promise<Endpoint[]> {
  const slices = await cluster.client.request<{ items: { endpoints?: Endpoint[] }[] }>(
    "GET",
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    { query: { labelSelector: `kubernetes.io/service-name=${service}` } },
  );
  return slices.items.flatMap((slice) => slice.endpoints ?? []);
}

function readyEndpoints(service: string, count: number): Promise<Endpoint[]> {
  return until(
    async () => {
      const all = await endpoints(service);
      return all.length === count && all.every(({ conditions }) => conditions.ready) && all;
    },
    `${count} ready endpoints`,
    60_000,
  );
}

/** On a connection of its own. */
function ask(url: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve({ status: response.statusCode, body: text }));
    }).once("error", reject);
  });
}

async function status(url: string): Promise<number | undefined> {
  return (await ask(url)).status;
}

async function body(url: string): Promise<string> {
  return (await ask(url)).body;
}

test("a Deployment's pods become endpoints that answer, and kubectl logs shows whom each served", async () => {
  await cluster.kubectl(["apply", "-f", "-"], HTTPBIN);
  const [first] = await readyEndpoints("httpbin", 1);
  expect(await status(`http://${first?.addresses[0]}/get`)).toBe(200);

  await cluster.kubectl(["scale", "deployment", "httpbin", "--replicas=3"]);
  const all = await readyEndpoints("httpbin", 3);
  expect(new Set(all.map(({ zone }) => zone))).toEqual(new Set(["a", "b"]));
  for (const { addresses } of all) expect(await status(`http://${addresses[0]}/headers`)).toBe(200);

  const pods = await cluster.kubectl(["get", "pods", "-o", "name"]);
  expect(pods.trim().split("\n")).toHaveLength(3);
  expect(pods).toMatch(/^(pod\/httpbin-[0-9a-z]+-[0-9a-z]{5}\n){3}$/);
  const logged = async () => {
    const logs = await Promise.all(
      pods
        .trim()
        .split("\n")
        .map((pod) => cluster.kubectl(["logs", pod])),
    );
    return {
      headers: logs.map((log) => log.split("GET /headers").length - 1),
      get: logs.filter((log) => log.includes("GET /get")).length,
    };
  };
  // Logs take a moment.
  await expect.poll(logged).toEqual({ headers: [1, 1, 1], get: 1 });
});

test("kubectl logs follows, and begins where it is told to", async () => {
  const [first] = await readyEndpoints("httpbin", 3);
  const address = first?.addresses[0];
  const pods = await cluster.client.request<{ items: KubernetesObject[] }>(
    "GET",
    "/api/v1/namespaces/default/pods",
    { query: { fieldSelector: `status.podIP=${address}` } },
  );
  const name = pods.items[0]?.metadata.name ?? "";
  await status(`http://${address}/anything/before`);
  const following = cluster.run("timeout", ["120", "kubectl", "logs", "-f", "--tail=1", name, "--since=1h"]);
  await until(async () => {
    await status(`http://${address}/anything/followed`);
    return (await cluster.kubectl(["logs", "--tail=2", name])).includes("followed");
  }, "its own request in the log");
  await cluster.kubectl(["delete", "pod", name, "--grace-period=20"]);
  const { stdout } = await following;
  expect(stdout).toContain("/anything/followed");
  expect(stdout).toContain("Handling signal: term");
});

test("a Service is reached at its address, and one of type LoadBalancer at a second one", async () => {
  await readyEndpoints("httpbin", 3);
  await cluster.kubectl([
    "expose",
    "deployment",
    "httpbin",
    "--name=front",
    "--type=LoadBalancer",
    "--port=80",
  ]);
  const path = "{.spec.clusterIP} {.status.loadBalancer.ingress[0].ip}";
  const addresses = await until(async () => {
    const both = (await cluster.kubectl(["get", "service", "front", "-o", `jsonpath=${path}`]))
      .trim()
      .split(" ");
    return both.length === 2 && (await endpoints("front")).length === 3 && both;
  }, "a balancer's address");
  expect(addresses[0]).not.toBe(addresses[1]);
  for (const address of addresses) expect(await status(`http://${address}/status/203`)).toBe(203);
  await cluster.kubectl(["delete", "service", "front"]);
});

test("a pod that is deleted serves on, terminating, until it has ended", async () => {
  const slow = HTTPBIN.replaceAll("name: httpbin}", "name: slow}")
    .replaceAll("app: httpbin", "app: slow")
    .replace(
      "ports: [{containerPort",
      "lifecycle: {preStop: {sleep: {seconds: 10}}}\n          ports: [{containerPort",
    );
  await cluster.kubectl(["apply", "-f", "-"], slow);
  const [endpoint] = await readyEndpoints("slow", 1);
  const address = endpoint?.addresses[0] as string;
  await cluster.kubectl(["scale", "deployment", "slow", "--replicas=0"]);
  const [leaving] = await until(async () => {
    const all = await endpoints("slow");
    return all.some(({ conditions }) => conditions.terminating) && all;
  }, "a terminating endpoint");
  expect(leaving?.conditions).toEqual({ ready: false, serving: true, terminating: true });
  expect(await status(`http://${address}/get`)).toBe(200);
  await until(async () => (await endpoints("slow")).length === 0, "its end");
  await expect(status(`http://${address}/get`)).rejects.toThrow();
});

test("a pod finds its own API server with the account that it runs under", async () => {
  const program = `
const fs = require("node:fs"), https = require("node:https");
const folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
const read = (name) => fs.readFileSync(folder + name, "utf8");
const {KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, OWN, GREETING} = process.env;
https.get({host, port, path: "/api/v1/namespaces/" + read("namespace") + "/pods/" + OWN, ca: read("ca.crt"),
  headers: {authorization: "Bearer " + read("token")}}, (answer) => {
    answer.resume();
    console.log("answer", answer.statusCode, GREETING, fs.readFileSync("/etc/greetings/deep/word", "utf8"));
  });`;
  await cluster.kubectl(["create", "configmap", "greeting", "--from-literal=word=ahoy"]);
  await cluster.kubectl(["create", "role", "reader", "--verb=get", "--resource=pods"]);
  await cluster.kubectl([
    "create",
    "rolebinding",
    "reader",
    "--role=reader",
    "--serviceaccount=default:default",
  ]);
  await cluster.kubectl(
    ["apply", "-f", "-"],
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "asker" },
      spec: {
        restartPolicy: "Never",
        containers: [
          {
            name: "asker",
            image: "busybox",
            command: [process.execPath, "-e", program],
            env: [
              { name: "OWN", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
              { name: "WORD", valueFrom: { configMapKeyRef: { name: "greeting", key: "word" } } },
              { name: "GREETING", value: "$(WORD), $(OWN)" },
            ],
            volumeMounts: [{ name: "greeting", mountPath: "/etc/greetings/deep" }],
          },
        ],
        volumes: [{ name: "greeting", configMap: { name: "greeting" } }],
      },
    }),
  );
  await cluster.kubectl(["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/asker", "--timeout=120s"]);
  expect(await cluster.kubectl(["logs", "asker"])).toBe("answer 200 ahoy, asker ahoy\n");
});

test("a container runs as the user that it names, on a root that it cannot write, with its scratch space", async () => {
  const script = "id -u; touch /etc/mine || echo root refused; touch /srv/scratch/mine && ls /srv/scratch";
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "confined" },
    spec: {
      restartPolicy: "Never",
      securityContext: { runAsUser: 65532 },
      containers: [
        {
          name: "confined",
          image: "busybox",
          command: ["sh", "-c", script],
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [{ name: "scratch", mountPath: "/srv/scratch" }],
        },
      ],
      volumes: [{ name: "scratch", emptyDir: {} }],
    },
  };
  await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
  await cluster.kubectl([
    "wait",
    "--for=jsonpath={.status.phase}=Succeeded",
    "pod/confined",
    "--timeout=120s",
  ]);
  const lines = (await cluster.kubectl(["logs", "confined"])).trim().split("\n");
  expect(lines).toContain("65532");
  expect(lines).toContain("root refused");
  expect(lines.at(-1)).toBe("mine");
});

test("a container that fails is begun anew, and its pod says how often", async () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "failing" },
    spec: { containers: [{ name: "failing", image: "busybox", command: ["sh", "-c", "sleep 0.2; exit 3"] }] },
  };
  await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
  const path = "{.status.containerStatuses[0]['restartCount','lastState.terminated.exitCode']}";
  await until(async () => {
    const [restarts, code] = (
      await cluster.kubectl(["get", "pod", "failing", "-o", `jsonpath=${path}`])
    ).split(" ");
    return Number(restarts) >= 2 && code === "3";
  }, "two restarts");
  await cluster.kubectl(["delete", "pod", "failing"]);
});

test("Gateway API's CRDs are of the version that was asked for, and judge what is applied", async () => {
  const crd = [
    "get",
    "crd",
    "xbackends.gateway.networking.x-k8s.io",
    "-o",
    "jsonpath={.metadata.annotations}",
  ];
  expect(JSON.parse(await cluster.kubectl(crd))).toMatchObject({
    "gateway.networking.k8s.io/bundle-version": "v1.7.0",
    "gateway.networking.k8s.io/channel": "experimental",
  });
  const old = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: old}
spec: {rules: [{sessionPersistence: {sessionName: a}}]}
`;
  await expect(cluster.kubectl(["apply", "-f", "-"], old)).rejects.toThrow(/sessionName/);
});

test("the API server, killed and started again, has all objects, and pods were never disturbed", async () => {
  const before = await readyEndpoints("httpbin", 3);
  const address = before[0]?.addresses[0];
  await cluster.controlPlane.apiServer.kill();
  expect(await status(`http://${address}/get`)).toBe(200);
  await cluster.controlPlane.apiServer.start();
  expect(await readyEndpoints("httpbin", 3)).toEqual(before);
  await cluster.kubectl(["scale", "deployment", "httpbin", "--replicas=4"]);
  await readyEndpoints("httpbin", 4);
});

test("etcd that stands still stops the API, and nothing is lost", async () => {
  cluster.controlPlane.etcd.pause();
  const write = cluster.client.request("POST", "/api/v1/namespaces/default/configmaps", {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late" } },
    timeoutMs: 1_000,
  });
  await expect(write).rejects.toThrow();
  cluster.controlPlane.etcd.resume();
  await readyEndpoints("httpbin", 4);
});

test("a second cluster has objects and addresses of its own", async () => {
  const second = await startCluster();
  try {
    await second.kubectl(["apply", "-f", "-"], HTTPBIN);
    await second.kubectl(["wait", "--for=condition=Available", "deployment/httpbin", "--timeout=120s"]);
    const addresses = ["get", "pods", "-A", "-o", "jsonpath={.items[*].status.podIP}"];
    const theirs = (await second.kubectl(addresses)).split(" ");
    expect(theirs).toHaveLength(1);
    expect(await cluster.kubectl(addresses)).not.toContain(theirs[0]);
    expect(await status(`http://${theirs[0]}/get`)).toBe(200);
  } finally {
    await second.stop();
  }
});

const POOL = "10.98.0.0/24";

/** One of those who serve the pool; it answers with its name. */
async function serveThePool(who: string) {
  const program = `require("node:http").createServer((request, response) => {
    response.end(process.env.WHO);
  }).listen(80, () => console.log("listening"))`;
  const started = await cluster.start({
    program: process.execPath,
    args: ["-e", program],
    env: { WHO: who },
    addressPools: [POOL],
  });
  await new Promise((resolve) => started.process.stdout?.once("data", resolve));
  return started;
}

test("connections to a pool's addresses go to all who serve it, and to whoever is left", async () => {
  const [left, right] = await Promise.all([serveThePool("left"), serveThePool("right")]);
  const heard = async (address: string) => {
    const answers = new Set<string>();
    for (let count = 0; count < 40; count++) answers.add(await body(`http://${address}/`));
    return [...answers].sort();
  };
  expect(await heard("10.98.0.1")).toEqual(["left", "right"]);
  expect(await heard("10.98.0.200")).toEqual(["left", "right"]);
  await left.withdraw();
  expect(await heard("10.98.0.1")).toEqual(["right"]);
  await left.announce();
  expect(await heard("10.98.0.1")).toEqual(["left", "right"]);
  await Promise.all([left.stop(), right.stop()]);
  await expect(body("http://10.98.0.1/")).rejects.toThrow();
});

test("no connection to a pool is disturbed by pods that come and go", async () => {
  const serving = await Promise.all([serveThePool("left"), serveThePool("right")]);
  let over = false;
  let answered = 0;
  const ask = async () => {
    for (; !over; answered++) await body("http://10.98.0.1/");
  };
  const asking = Promise.all([ask(), ask(), ask()]);
  const churn = async () => {
    for (let count = 0; count < 40; count++) {
      const guest = await cluster.start({ program: "sleep", args: ["60"] });
      await guest.stop();
    }
  };
  await Promise.race([asking, churn()]);
  over = true;
  await asking;
  expect(answered).toBeGreaterThan(1_000);
  await Promise.all(serving.map((one) => one.stop()));
});
