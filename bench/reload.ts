// Measures reloads of a large configuration under traffic: how long until it is served, and what requests notice.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROUTES = Number(process.argv[2] ?? 10_000);
const PORT = 18_181;
const BIN = resolve(import.meta.dirname, "../src/cli/bin.ts");

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners: [{name: http, protocol: HTTP, port: ${PORT}}]
---
apiVersion: v1
kind: Service
metadata: {name: sample}
spec: {ports: [{name: http, port: 80}]}
`;

function routes(generation: number, changed: number): string {
  const documents = Array.from(
    { length: ROUTES },
    (_, index) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r${index}}
spec:
  parentRefs: [{name: edge}]
  hostnames: [h${index}.example.com]
  rules:
    - matches: [{path: {type: PathPrefix, value: /${index < changed ? generation : 0}}}, {path: {type: Exact, value: /get}}]
      backendRefs: [{name: sample, port: 80}]
`,
  );
  return documents.join("");
}

function endpoint(name: string, port: number): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: sample}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: ["127.0.0.1"], conditions: {ready: true}}]
`;
}

/** Resolves with the milliseconds until standard error has one more line with the text. */
function nextLine(child: ChildProcess, text: string): Promise<number> {
  const started = performance.now();
  return new Promise((done, fail) => {
    const onData = (chunk: Buffer) => {
      const line = chunk.toString();
      if (line.includes('"error"') || line.startsWith("error")) fail(new Error(line));
      if (!line.includes(text)) return;
      child.stderr?.off("data", onData);
      done(performance.now() - started);
    };
    child.stderr?.on("data", onData);
  });
}

/** Asks every 2 ms on one connection each until it is stopped; answers with latencies in ms. */
function traffic(): () => Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const latencies: number[] = [];
  let failures = 0;
  const timer = setInterval(() => {
    const started = performance.now();
    get(
      { port: PORT, host: "127.0.0.1", path: "/get", headers: { host: "h7.example.com" }, agent },
      (answer) => {
        answer.resume().on("end", () => latencies.push(performance.now() - started));
      },
    ).on("error", () => failures++);
  }, 2);
  return async () => {
    clearInterval(timer);
    if (failures > 0) process.stdout.write(`${failures} requests failed\n`);
    agent.destroy();
    return latencies.sort((a, b) => a - b);
  };
}

function report(what: string, ms: number, latencies: readonly number[]): void {
  const at = (share: number) =>
    (latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN).toFixed(1);
  process.stdout.write(
    `${what.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms; requests p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms\n`,
  );
}

async function startBackend(): Promise<{ server: Server; port: number }> {
  const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  return { server, port: (server.address() as AddressInfo).port };
}

const backends = [await startBackend(), await startBackend()] as const;
const folder = mkdtempSync(join(tmpdir(), "limpet-bench-"));
writeFileSync(join(folder, "gateway.yaml"), GATEWAY);
writeFileSync(join(folder, "endpoint.yaml"), endpoint("first", backends[0].port));
writeFileSync(join(folder, "routes.yaml"), routes(1, 0));
const gateway = spawn(
  process.execPath,
  [
    BIN,
    "run",
    "-f",
    folder,
    "--no-watch",
    "--admin",
    "off",
    "--access-log",
    "off",
    "--listen-address",
    "127.0.0.1",
  ],
  { stdio: ["ignore", "ignore", "pipe"] },
);
try {
  const startMs = await nextLine(gateway, "limpet ready");
  process.stdout.write(`${"start with".padEnd(20)} ${ROUTES} routes: ${startMs.toFixed(0)} ms\n`);
  const idle = traffic();
  await new Promise((done) => setTimeout(done, 2_000));
  report("without a reload", 2_000, await idle());
  const cases: readonly [string, () => void][] = [
    [
      "one endpoint more",
      () => writeFileSync(join(folder, "more.yaml"), endpoint("second", backends[1].port)),
    ],
    ["one route changed", () => writeFileSync(join(folder, "routes.yaml"), routes(2, 1))],
    ["all routes changed", () => writeFileSync(join(folder, "routes.yaml"), routes(3, ROUTES))],
  ];
  for (const [what, change] of cases) {
    change();
    const stop = traffic();
    gateway.kill("SIGHUP");
    const ms = await nextLine(gateway, "configuration published");
    report(what, ms, await stop());
  }
} finally {
  gateway.kill("SIGTERM");
  rmSync(folder, { recursive: true });
  for (const { server } of backends) server.close();
}
