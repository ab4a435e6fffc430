// Active checks of real endpoints on loopback sockets, and what they and outlier detection make of an endpoint together.
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { makeAuthority } from "../../../test/support/certificates.ts";
import { startOrigin, startRawOrigin } from "../../../test/support/origin.ts";
import { backend, endpoint } from "../../../test/support/snapshots.ts";
import type { Backend, Endpoint, HealthCheck, OutlierDetection } from "../../model/index.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../options.ts";
import { CheckConnections } from "./check-connections.ts";
import { HealthWatch } from "./health-watch.ts";
import { addFailure, newStreak } from "./streak.ts";

const HTTP: HealthCheck = {
  check: {
    kind: "http",
    method: "GET",
    path: "/health",
    headers: [{ name: "X-Probe", value: "1" }],
    expected: [{ from: 200, to: 299 }],
    retriable: [{ from: 503, to: 503 }],
  },
  intervalMs: 10,
  // No check here is too slow, however long the machine stands still.
  timeoutMs: 20_000,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
};

function tcp(more: { send?: string; receive?: string } = {}): HealthCheck {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const send = more.send === undefined ? {} : { send: base64(more.send) };
  const receive = more.receive === undefined ? {} : { receive: base64(more.receive) };
  return { ...HTTP, check: { kind: "tcp", ...send, ...receive } };
}

function startWatch() {
  const log: string[] = [];
  const changes: string[] = [];
  const next: (() => void)[] = [];
  const line = (details: object, message: string) => log.push(`${message} ${JSON.stringify(details)}`);
  const connections = new CheckConnections(DEFAULT_DATAPLANE_OPTIONS, SYSTEM_CLOCK);
  const watch = new HealthWatch({
    connections,
    monotonicMs: () => performance.now(),
    random: () => 0,
    logger: { info: line, debug: () => {} },
    onChange: (id) => {
      changes.push(id);
      for (const tell of next.splice(0)) tell();
    },
  });
  onTestFinished(() => {
    watch.stop();
    connections.close();
  });
  /** Resolves with the next change of any verdict. */
  const change = () => new Promise<void>((resolve) => next.push(resolve));
  return { watch, connections, log, changes, change };
}

function checkedBackend(at: Endpoint, check: HealthCheck, more: Partial<Backend> = {}): Backend {
  return backend("b", [at], { healthChecks: [check], ...more });
}

test("an endpoint is unknown until its first check is through, and then serves at once", async () => {
  const asked: string[] = [];
  const origin = await startOrigin((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers["x-probe"]}`);
    response.end("ok");
  });
  const { watch, changes } = startWatch();
  const one = checkedBackend(origin.endpoint, HTTP);
  const { address } = origin.endpoint;
  expect(watch.verdict(one, address)).toBe("pending");
  watch.watch(one);
  expect(watch.verdict(one, address)).toBe("pending");
  await watch.settled(20_000);
  expect(watch.verdict(one, address)).toBeUndefined();
  expect(changes).toEqual([one.id]);
  expect(asked[0]).toBe(`GET /health ${address} 1`);
});

test("an unexpected status counts at once, and coming back takes the threshold", async () => {
  let status = 200;
  let sinceBack = 0;
  const origin = await startOrigin((_request, response) => {
    if (status === 200) sinceBack += 1;
    response.writeHead(status).end();
  });
  const { watch, log, change } = startWatch();
  const one = checkedBackend(origin.endpoint, HTTP);
  watch.watch(one);
  await watch.settled(20_000);
  const failed = change();
  status = 404;
  await failed;
  expect(watch.verdict(one, origin.endpoint.address)).toBe("failed");
  sinceBack = 0;
  const back = change();
  status = 200;
  await back;
  expect(sinceBack).toBe(HTTP.healthyThreshold);
  expect(watch.verdict(one, origin.endpoint.address)).toBeUndefined();
  const details = (reason: string) =>
    JSON.stringify({ backend: one.id, endpoint: origin.endpoint.address, reason });
  expect(log).toEqual([
    `endpoint fails its checks ${details("status 404")}`,
    `endpoint passes its checks ${details("status 200")}`,
  ]);
});

test("a retriable status waits for the threshold", async () => {
  const statuses: number[] = [];
  const origin = await startOrigin((_request, response) => {
    statuses.push(statuses.length === 0 ? 200 : 503);
    response.writeHead(statuses.at(-1) ?? 0).end();
  });
  const { watch, change } = startWatch();
  const one = checkedBackend(origin.endpoint, HTTP);
  const passed = change();
  watch.watch(one);
  await passed;
  await change();
  expect(watch.verdict(one, origin.endpoint.address)).toBe("failed");
  expect(statuses).toEqual([200, 503, 503, 503]);
});

test("checks go over one connection, and one that the endpoint closed in between is no failure", async () => {
  const connections = new Set<unknown>();
  let count = 0;
  const origin = await startOrigin((request, response) => {
    connections.add(request.socket);
    count += 1;
    response.end();
    if (count === 5) response.on("finish", () => request.socket.end());
  });
  const { watch, changes } = startWatch();
  watch.watch(checkedBackend(origin.endpoint, { ...HTTP, unhealthyThreshold: 1 }));
  await expect.poll(() => count, { interval: 10 }).toBeGreaterThan(10);
  expect(connections.size).toBe(2);
  expect(changes).toHaveLength(1);
});

test.each([
  ["accepts nobody", endpoint("127.0.0.1:1"), HTTP.timeoutMs, "connect-failed"],
  ["never answers", undefined, 100, "no answer in 100 ms"],
])("an endpoint that %s fails", async (_name, at, timeoutMs, reason) => {
  const target = at ?? (await startRawOrigin(() => {}));
  const { watch, log } = startWatch();
  const one = checkedBackend(target, { ...HTTP, timeoutMs });
  watch.watch(one);
  await watch.settled(20_000);
  expect(watch.verdict(one, target.address)).toBe("failed");
  expect(log.join()).toContain(reason);
});

test("a check may ask another port, under another host name", async () => {
  const hosts: string[] = [];
  const side = await startOrigin((request, response) => {
    hosts.push(request.headers.host ?? "");
    response.end();
  });
  const { watch } = startWatch();
  const check = { ...HTTP.check, host: "carts.example" } as HealthCheck["check"];
  const one = checkedBackend(endpoint("127.0.0.1:1"), { ...HTTP, check, port: side.endpoint.port });
  watch.watch(one);
  await watch.settled(20_000);
  expect(watch.verdict(one, "127.0.0.1:1")).toBeUndefined();
  expect(hosts[0]).toBe("carts.example");
});

test.each([
  ["accepts a connection", tcp(), "", true],
  ["answers as expected, in two pieces", tcp({ send: "PING\n", receive: "PONG" }), "PING\n", true],
  ["answers otherwise", tcp({ send: "other\n", receive: "PONG" }), "", false],
])("a TCP check of an endpoint that %s", async (_name, check, sent, passes) => {
  const at = await startRawOrigin((socket) => {
    socket.on("data", (bytes) => {
      if (String(bytes) !== sent) socket.end("ERR\n");
      else socket.write("+PO", () => setTimeout(() => socket.write("NG\n"), 5));
    });
  });
  const { watch } = startWatch();
  const one = checkedBackend(at, check);
  watch.watch(one);
  await watch.settled(20_000);
  expect(watch.verdict(one, at.address)).toBe(passes ? undefined : "failed");
});

/**
 * An HTTPS server on a loopback port, and the bundle that trusts it.
 * @param clients who vouches for those that it serves; undefined: it serves anybody
 */
async function startSecureOrigin(clients?: string) {
  const authority = makeAuthority({ name: "origin" });
  const { chain, privateKey } = authority.issue({ names: ["carts.example"] });
  const demand = clients === undefined ? {} : { requestCert: true, ca: clients };
  const options = { cert: chain, key: privateKey, ...demand };
  const server = createServer(options, (_request, response) => void response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const trust = [{ id: "ConfigMap/default/ca", certificates: authority.certificate }];
  return { at: endpoint(`127.0.0.1:${(server.address() as AddressInfo).port}`), trust };
}

test.each([
  ["an HTTP check", HTTP],
  ["a TCP check", tcp()],
])("%s speaks TLS where the backend does, and verifies who answers", async (_name, check) => {
  const { at, trust } = await startSecureOrigin();
  const tls = { serverName: "carts.example", subjectAltNames: [], trust };
  const { watch, log } = startWatch();
  const known = checkedBackend(at, check, { tls });
  const stranger = { ...known, id: "stranger", tls: { ...tls, serverName: "other.example" } };
  watch.watch(known);
  watch.watch(stranger);
  await watch.settled(20_000);
  expect(watch.verdict(known, at.address)).toBeUndefined();
  expect(watch.verdict(stranger, at.address)).toBe("failed");
  expect(log.join()).toContain("the certificate is for DNS:carts.example, not for other.example");
});

test("a check shows the certificate that requests are shown with, unless the backend has its own", async () => {
  const gateways = makeAuthority({ name: "gateways" });
  const { at, trust } = await startSecureOrigin(gateways.certificate);
  const tls = { serverName: "carts.example", subjectAltNames: [], trust };
  const own = { id: "Secret/default/own", ...gateways.issue({ names: ["gateway.example"], client: true }) };
  const { watch, connections } = startWatch();
  const shown = { ...checkedBackend(at, HTTP, { tls }), id: "shown" };
  const owning = { ...shown, id: "owning", tls: { ...tls, clientCertificate: own } };
  const nobody = { ...shown, id: "nobody" };
  connections.certificates = new Map([["shown", own]]);
  for (const one of [shown, owning, nobody]) watch.watch(one);
  await watch.settled(20_000);
  const verdicts = [shown, owning, nobody].map((one) => watch.verdict(one, at.address));
  expect(verdicts).toEqual([undefined, undefined, "failed"]);
});

test("endpoints that are gone are checked no more, and those that stay keep what is known", async () => {
  let count = 0;
  const first = await startOrigin((_request, response) => {
    count += 1;
    response.end();
  });
  let others = 0;
  const second = await startOrigin((_request, response) => {
    others += 1;
    response.end();
  });
  const { watch } = startWatch();
  const both = backend("b", [first.endpoint, second.endpoint], { healthChecks: [HTTP] });
  watch.watch(both);
  await watch.settled(20_000);
  const one = { ...both, endpoints: [second.endpoint] };
  watch.watch(one, true);
  expect(watch.verdict(one, first.endpoint.address), "still watched").toBeUndefined();
  watch.watch(one);
  expect(watch.verdict(one, second.endpoint.address)).toBeUndefined();
  const [before, othersBefore] = [count, others];
  await expect.poll(() => others, { interval: 10 }).toBeGreaterThan(othersBefore + 5);
  // One may have been on its way.
  expect(count).toBeLessThanOrEqual(before + 1);
});

const DETECTION: OutlierDetection = {
  consecutive5xx: 5,
  consecutiveGatewayErrors: 0,
  consecutiveLocalErrors: 0,
  splitLocalErrors: false,
  intervalMs: 20,
  baseEjectionMs: 40,
  maxEjectionMs: 40,
  maxEjectionPercent: 100,
};

function failures(one: Backend, address: string, count: number) {
  const serverErrors = newStreak();
  for (let i = 0; i < count; i++) addFailure(serverErrors);
  const tally = { total: count, failed: count };
  const none = { total: 0, failed: 0 };
  return {
    backend: one.id,
    address,
    answers: tally,
    serverErrors,
    gatewayErrors: newStreak(),
    connections: none,
    localErrors: newStreak(),
  };
}

test("what several workers see adds up to an ejection, which ends by itself", async () => {
  const { watch, log, change, changes } = startWatch();
  const at = endpoint("10.0.0.1:80");
  const one = backend("b", [at], { outlierDetection: DETECTION });
  watch.watch(one);
  watch.observe([failures(one, at.address, 3)]);
  expect(watch.verdict(one, at.address)).toBeUndefined();
  watch.observe([failures(one, at.address, 2)]);
  expect(watch.verdict(one, at.address)).toBe("ejected");
  await change();
  expect(watch.verdict(one, at.address)).toBeUndefined();
  expect(changes).toEqual([one.id, one.id]);
  expect(log.map((line) => line.split(" {")[0])).toEqual([
    "endpoint ejected",
    "endpoint returned from ejection",
  ]);
  expect(watch.samples()).toContainEqual({
    name: "limpet_ejections_total",
    labels: { backend: one.id, reason: "consecutive5xx" },
    value: 1,
  });
});

test("a passed check brings an ejected endpoint back", async () => {
  const origin = await startOrigin((_request, response) => void response.end());
  const { watch, change } = startWatch();
  const outlierDetection = { ...DETECTION, baseEjectionMs: 60_000, maxEjectionMs: 60_000 };
  const one = checkedBackend(origin.endpoint, HTTP, { outlierDetection });
  watch.watch(one);
  await watch.settled(20_000);
  watch.observe([failures(one, origin.endpoint.address, 5)]);
  expect(watch.verdict(one, origin.endpoint.address)).toBe("ejected");
  await change();
  expect(watch.verdict(one, origin.endpoint.address)).toBeUndefined();
});
