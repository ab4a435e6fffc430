// `limpet run` as a process: how it starts, refuses to start, survives its workers, and stops.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, type GatewayOptions, spawnGateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A backend whose answers the test holds back. */
async function backend() {
  const held: (() => void)[] = [];
  const server: Server = createServer((incoming, response) => {
    if (incoming.url !== "/held") response.end("quick");
    else held.push(() => response.end("held"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, held };
}

async function gateway(
  endpointPort: number,
  options: GatewayOptions = {},
): Promise<Gateway & { port: number }> {
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([endpointPort]) };
  const running = await startGateway({ ...options, files });
  onTestFinished(async () => void (await running.stop()));
  return Object.assign(running, { port });
}

function admin(running: Gateway, path: string): Promise<Response> {
  return fetch(`${running.adminUrl}${path}`);
}

test("it says where it is ready, serves, and logs to standard output only requests", async () => {
  const running = await gateway((await backend()).port);
  expect([...running.addresses.keys()]).toEqual(["Gateway/default/edge/http"]);
  expect(running.url()).toBe(`http://127.0.0.1:${running.port}`);
  expect((await send(running.port, { path: "/hello?x=1" })).body).toBe("quick");
  const line = await running.waitForAccess((entry) => entry.path === "/hello?x=1");
  expect(line).toMatchObject({
    method: "GET",
    host: "www.example.com",
    status: 200,
    listener: "Gateway/default/edge/http",
    route: "HTTPRoute/default/all",
    backend: "Service/default/sample:80",
  });
  expect(running.stdout.lines).toHaveLength(1);
});

test("the admin port tells health, readiness, the snapshot, and metrics of all workers", async () => {
  const running = await gateway((await backend()).port, { args: ["--workers", "2"] });
  await send(running.port);
  expect(await (await admin(running, "/readyz")).text()).toBe("ready\n");
  const snapshot = (await (await admin(running, "/snapshot")).json()) as Record<string, unknown>;
  expect(snapshot).toMatchObject({ version: 1, workers: [expect.any(Number), expect.any(Number)] });
  expect(snapshot).toMatchObject({ snapshot: { listeners: [{ port: running.port }] }, findings: [] });
  const metrics = await (await admin(running, "/metrics")).text();
  expect(metrics).toContain("limpet_workers 2\n");
  expect(metrics).toContain('limpet_worker_snapshot_version{worker="2"} 1\n');
  expect(metrics).toMatch(
    /limpet_requests_total\{listener="Gateway\/default\/edge\/http",route="HTTPRoute\/default\/all",backend="[^"]+",code_class="2xx"\} 1\n/,
  );
});

test("SIGTERM lets requests in flight finish and exits 0", async () => {
  const { port, held } = await backend();
  const running = await gateway(port);
  const answer = send(running.port, { path: "/held" });
  await eventually(
    async () => held.length,
    (count) => count === 1,
  );
  running.process.kill("SIGTERM");
  await running.stderr.waitFor((line) => line.includes("draining"), "draining");
  await expect(
    eventually(
      () =>
        send(running.port).then(
          () => "open",
          () => "closed",
        ),
      (state) => state === "closed",
    ),
  ).resolves.toBe("closed");
  held[0]?.();
  expect((await answer).body).toBe("held");
  expect(await running.exited).toEqual({ code: 0, signal: null });
  expect(running.accessLog().map((line) => line.path)).toContain("/held");
});

test("a request that outlives the drain timeout is cut", async () => {
  const { port, held } = await backend();
  const running = await gateway(port, { args: ["--drain-timeout", "200ms"] });
  const answer = send(running.port, { path: "/held" }).then(
    () => "answered",
    () => "cut",
  );
  await eventually(
    async () => held.length,
    (count) => count === 1,
  );
  running.process.kill("SIGTERM");
  expect(await answer).toBe("cut");
  expect((await running.exited).code).toBe(0);
});

test("SIGTERM before it is ready ends it too", async () => {
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([3001]) };
  const running = spawnGateway({ files, args: ["--log-level", "debug"] });
  await running.stderr.waitFor((line) => line.includes("loading"), "loading");
  running.process.kill("SIGTERM");
  // Not by `stop`, which would be a second signal.
  expect(await running.exited).toEqual({ code: 0, signal: null });
  await running.stop();
});

test("a second signal stops at once", async () => {
  const { port, held } = await backend();
  const running = await gateway(port);
  send(running.port, { path: "/held" }).catch(() => {});
  await eventually(
    async () => held.length,
    (count) => count === 1,
  );
  running.process.kill("SIGINT");
  await running.stderr.waitFor((line) => line.includes("draining"), "draining");
  running.process.kill("SIGINT");
  expect((await running.exited).code).toBe(130);
});

test("a worker that is killed is replaced, and traffic goes on", async () => {
  const running = await gateway((await backend()).port);
  const pids = async () =>
    ((await (await admin(running, "/snapshot")).json()) as { workers: number[] }).workers;
  const [pid] = await pids();
  process.kill(pid as number, "SIGKILL");
  await running.stderr.waitFor((line) => line.includes("worker died"), "worker died");
  // The port stays open: this request waits in the queue of the socket until the new worker accepts.
  expect((await send(running.port)).body).toBe("quick");
  const [next] = await eventually(pids, (list) => list.length === 1);
  expect(next).not.toBe(pid);
});

test("workers end when the primary is killed", async () => {
  const running = await gateway((await backend()).port);
  running.process.kill("SIGKILL");
  await running.exited;
  expect(
    await eventually(
      () =>
        send(running.port).then(
          () => "open",
          () => "closed",
        ),
      (state) => state === "closed",
    ),
  ).toBe("closed");
});

test("the access log goes to a file, after what is there, or nowhere", async () => {
  const { port } = await backend();
  const file = join(temporaryFolder(), "access.log");
  writeFileSync(file, "before\n");
  for (const target of [file, "off"]) {
    const running = await gateway(port, { args: ["--access-log", target] });
    await send(running.port, { path: `/${target === "off"}` });
    await running.stop();
    expect(running.stdout.lines).toEqual([]);
  }
  const [before, line, ...rest] = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(before).toBe("before");
  expect(JSON.parse(line as string)).toMatchObject({ path: "/false", status: 200 });
  expect(rest).toEqual([]);
});

test("after its file is renamed, SIGUSR1 has all workers go on in a new one", async () => {
  const { port } = await backend();
  const folder = temporaryFolder();
  const [file, rotated] = [join(folder, "access.log"), join(folder, "access.log.1")];
  const running = await gateway(port, { args: ["--access-log", file, "--workers", "2"] });
  await send(running.port, { path: "/before" });
  await eventually(
    async () => readFileSync(file, "utf8"),
    (text) => text.includes("/before"),
  );
  renameSync(file, rotated);
  running.process.kill("SIGUSR1");
  await eventually(
    async () => existsSync(file),
    (exists) => exists,
  );
  // One of them may still be on its way to the new file.
  await eventually(
    async () => {
      await send(running.port, { path: "/after" });
      return readFileSync(file, "utf8").trim().split("\n").length;
    },
    (lines) => lines >= 10,
  );
  await running.stop();
  expect(readFileSync(rotated, "utf8").split("\n")[0]).toContain("/before");
  expect(readFileSync(file, "utf8")).not.toContain("/before");
  for (const line of readFileSync(file, "utf8").trim().split("\n"))
    expect(JSON.parse(line).path).toBe("/after");
});

test("an access log that cannot be written: one line, exit code 1", async () => {
  const target = join(temporaryFolder(), "missing", "access.log");
  const running = spawnGateway({ files: {}, args: ["--access-log", target] });
  expect((await running.exited).code).toBe(1);
  await running.stop();
  expect(running.stderr.lines).toEqual([expect.stringMatching(/^error: --access-log: ENOENT/)]);
});

test.each([
  ["no Gateway", { "a.yaml": sampleYaml([3001]) }, "error: no Gateway has a listener that can be served"],
  [
    "a file that is no YAML",
    { "a.yaml": "a: [b\n" },
    /^error: .*a\.yaml:\d+:\d+: .+ \(expected a YAML .+; .+\)$/,
  ],
])("%s: refuses to start with exit code 1", async (_, files, message) => {
  const running = spawnGateway({ files });
  expect((await running.exited).code).toBe(1);
  await running.stop();
  expect(running.stderr.lines.filter((line) => line.startsWith("error: "))).toEqual([
    typeof message === "string" ? message : expect.stringMatching(message),
  ]);
});

test("a port that is taken: one line with the listener, exit code 1", async () => {
  const port = await freePort();
  const other = createServer().listen(port);
  await new Promise((resolve) => other.once("listening", resolve));
  onTestFinished(() => void other.close());
  const running = spawnGateway({ files: { "gateway.yaml": gatewayYaml({ port }) } });
  expect((await running.exited).code).toBe(1);
  await running.stop();
  // Where there is no IPv6, all addresses are 0.0.0.0.
  const all = ["[::]", "0.0.0.0"].map(
    (address) => `error: Gateway/default/edge/http: cannot listen on ${address}:${port}: the port is taken`,
  );
  expect(running.stderr.lines.filter((line) => all.includes(line))).toHaveLength(1);
});

test("--strict-config refuses what would be served around", async () => {
  const port = await freePort();
  const files = {
    "gateway.yaml": gatewayYaml({ port }),
    "route.yaml": sampleYaml([3001]).replace("port: 80}]\n", "port: 80, weight: many}]\n"),
  };
  const strict = spawnGateway({ files, args: ["--strict-config"] });
  expect((await strict.exited).code).toBe(1);
  await strict.stop();
  const lenient = await startGateway({ files });
  onTestFinished(async () => void (await lenient.stop()));
  expect((await send(port)).status).toBe(500);
});

test("--admin off opens no admin port", async () => {
  const running = await gateway((await backend()).port, { args: ["--admin", "off"] });
  expect(() => running.adminUrl).toThrow("no admin port");
  expect((await send(running.port)).status).toBe(200);
});

test("a pattern that backtracks exponentially on a request does not stall the worker", async () => {
  const endpoint = await backend();
  const running = await gateway(endpoint.port);
  running.write(
    "pattern.yaml",
    `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pattern}
spec:
  parentRefs: [{name: edge}]
  hostnames: [pattern.example.com]
  rules:
    - matches: [{headers: [{name: x-many, type: RegularExpression, value: (a+)+b}]}]
      filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-matched, value: "yes"}]}}]
      backendRefs: [{name: sample, port: 80}]
`,
  );
  const ask = (value: string) =>
    send(running.port, { headers: { host: "pattern.example.com", "x-many": value } });
  await eventually(
    () => ask("aab"),
    (answer) => answer.headers["x-matched"] === "yes",
  );
  // 2^60 ways to split these; a backtracking engine alone would outlive every timeout.
  const answer = await ask("a".repeat(60));
  expect([answer.status, answer.headers["x-matched"]]).toEqual([200, undefined]);
});
