// Clients that come through a proxy which speaks the PROXY protocol: who they are, and who may not do without.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import type { DataplaneOptions } from "../../src/dataplane/options.ts";
import { formatProxyHeader } from "../../src/dataplane/proxy-protocol/format.ts";
import type { Listener } from "../../src/model/index.ts";
import { makeAuthority } from "../support/certificates.ts";
import { type LoopbackGateway, startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { listener, route } from "../support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../support/snapshots.ts";
import { GET } from "../support/tls-client.ts";

const certificate = {
  id: "Secret/default/shop",
  ...makeAuthority({ name: "Test Authority" }).issue({ names: ["shop.example"] }),
};
const plain = listener("http");
const https: Listener = { ...plain, protocol: "HTTPS", tls: { certificates: [certificate] } };

async function start(
  on: Listener,
  networks: readonly string[],
  options: Partial<DataplaneOptions> = {},
): Promise<LoopbackGateway> {
  const { endpoint } = await startOrigin((request, response) => {
    response.end(`for ${request.headers["x-forwarded-for"]} port ${request.headers["x-forwarded-port"]}`);
  });
  const web = backend("web", [endpoint]);
  const routes = [route("web", on, [], forwardRule([web]))];
  return startLoopbackGateway(snapshotOf({ listeners: [on], routes, backends: [web] }), {
    ...options,
    proxyProtocolFrom: networks,
  });
}

const CLIENT = "192.0.2.7:1234";
const GATEWAY = "198.51.100.1:443";

function failures({ engine }: LoopbackGateway): Record<string, number> {
  const samples = engine.stats().filter(({ name }) => name === "limpet_tls_handshake_failures_total");
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.reason, value]));
}

test.each(["v1", "v2"] as const)("a header of %s says who the client is", async (version) => {
  const gateway = await start(plain, ["127.0.0.0/8"]);
  const client = new RawClient(gateway.port);
  client.write(formatProxyHeader(version, CLIENT, GATEWAY).toString("latin1") + GET);
  expect(await client.untilClosed()).toContain("for 192.0.2.7");
  expect(gateway.log[0]?.clientIp).toBe("192.0.2.7");
});

test("it may come in pieces, apart from the request", async () => {
  const gateway = await start(plain, ["127.0.0.1"]);
  const client = new RawClient(gateway.port);
  client.socket.setNoDelay(true);
  for (const byte of formatProxyHeader("v2", CLIENT, GATEWAY)) {
    client.write(String.fromCharCode(byte));
    await new Promise((turn) => setImmediate(turn));
  }
  client.write(GET);
  expect(await client.untilClosed()).toContain("for 192.0.2.7");
});

test("a proxy that speaks for itself is the client", async () => {
  const gateway = await start(plain, ["127.0.0.1"]);
  const client = new RawClient(gateway.port);
  client.write(formatProxyHeader("v2", undefined, undefined).toString("latin1") + GET);
  expect(await client.untilClosed()).toContain("for 127.0.0.1");
});

test("a peer that must send one and does not is closed without an answer", async () => {
  const gateway = await start(plain, ["127.0.0.1"]);
  const impatient = new RawClient(gateway.port);
  impatient.write(GET);
  expect(await impatient.untilClosed()).toBe("");
  expect(failures(gateway)).toEqual({ "proxy-header": 1 });
  const strict = await start(plain, ["127.0.0.1"], { requestHeadTimeoutMs: 50 });
  expect(await new RawClient(strict.port).untilClosed()).toBe("");
  expect(failures(strict)).toEqual({ timeout: 1 });
  expect([...gateway.log, ...strict.log]).toEqual([]);
});

test("anybody else who sends one sends no HTTP", async () => {
  const gateway = await start(plain, ["192.0.2.0/24"]);
  const client = new RawClient(gateway.port);
  client.write(formatProxyHeader("v1", CLIENT, GATEWAY).toString("latin1") + GET);
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
});

test("TLS follows it", async () => {
  const gateway = await start(https, ["127.0.0.1"]);
  const below: Socket = connect(gateway.port, "127.0.0.1");
  below.write(formatProxyHeader("v2", CLIENT, GATEWAY));
  const socket = connectTls({ socket: below, servername: "shop.example", rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  socket.setEncoding("latin1");
  socket.write(GET);
  const answer = await new Promise((resolve) => socket.once("data", resolve));
  expect(answer).toContain("for 192.0.2.7");
});
