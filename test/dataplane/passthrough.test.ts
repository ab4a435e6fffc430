// TLS that is passed through: the server name chooses the route, the endpoint ends TLS, and nobody in between reads it.
import { createServer as createPlainServer } from "node:net";
import { createServer, type Server } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import type { Backend, Listener, Snapshot, TlsRoute } from "../../src/model/index.ts";
import { makeAuthority } from "../support/certificates.ts";
import { freePorts } from "../support/free-port.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startRawOrigin } from "../support/origin.ts";
import { listener, route } from "../support/routes.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";
import { tlsConnect, tlsExchange } from "../support/tls-client.ts";

const authority = makeAuthority({ name: "Endpoints" });

/** An endpoint that ends TLS with a certificate of this name, and sends back what it gets, after a greeting. */
async function secureEcho(name: string): Promise<Backend> {
  const { chain, privateKey } = authority.issue({ names: [name] });
  const server: Server = createServer({ cert: chain, key: privateKey, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.write(`hello from ${name}\n`);
    socket.pipe(socket);
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return backend(name.replace(/\W/g, "-"), [endpoint(`127.0.0.1:${port}`)]);
}

function passing(name: string, hostname?: string): Listener {
  return { ...listener(name, hostname), protocol: "TLS" };
}

function tlsRoute(
  name: string,
  on: Listener,
  hostnames: readonly string[],
  ...to: readonly Backend[]
): TlsRoute {
  return {
    id: `TLSRoute/default/${name}`,
    object: { group: "gateway.networking.k8s.io", kind: "TLSRoute", namespace: "default", name },
    attachments: [{ listener: on.id, hostnames }],
    backends: to.map(({ id }) => ({ backend: id, weight: 1, filters: [] })),
  };
}

function snapshot(
  listeners: readonly Listener[],
  tlsRoutes: readonly TlsRoute[],
  backends: readonly Backend[],
): Snapshot {
  return { ...snapshotOf({ listeners, routes: [], backends }), tlsRoutes };
}

/** A listener that ends TLS for this name, and passes on what is inside. */
function ending(hostname: string): Listener {
  const certificate = { id: `Secret/default/${hostname}`, ...authority.issue({ names: [hostname] }) };
  return { ...passing("ending", hostname), tls: { certificates: [certificate], anyProtocol: true } };
}

/** An endpoint in plain text that greets with this name, and sends back what it gets. */
async function plainEcho(name: string): Promise<Backend> {
  const server = createPlainServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.write(`hello from ${name}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return backend(name, [endpoint(`127.0.0.1:${port}`)]);
}

/** Reads what the endpoint greets with, and closes. */
async function greeting(port: number, servername: string): Promise<string> {
  const socket = tlsConnect(port, { servername }).setEncoding("latin1");
  const text = await new Promise<string>((resolve) => {
    socket.once("data", resolve);
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });
  socket.end();
  return text;
}

test("the most specific hostname of a route takes the connection, with the endpoint's own certificate", async () => {
  const [shop, any] = await Promise.all([secureEcho("shop.example"), secureEcho("any.example")]);
  const tls = passing("tls");
  const routes = [tlsRoute("any", tls, ["*.example"], any), tlsRoute("shop", tls, ["shop.example"], shop)];
  const { port } = await startLoopbackGateway(snapshot([tls], routes, [shop, any]));
  expect(await greeting(port, "shop.example")).toBe("hello from shop.example\n");
  expect(await greeting(port, "cart.example")).toBe("hello from any.example\n");
  expect(await greeting(port, "shop.test")).toBe("ECONNRESET");
});

test("a port may end TLS for one name and pass it through for another", async () => {
  const shop = await secureEcho("shop.example");
  const own = { id: "Secret/default/own", ...authority.issue({ names: ["own.example"] }) };
  const tls = passing("tls", "shop.example");
  const https: Listener = {
    ...listener("https", "own.example"),
    protocol: "HTTPS",
    tls: { certificates: [own] },
  };
  const { port } = await startLoopbackGateway({
    ...snapshot([https, tls], [tlsRoute("shop", tls, ["shop.example"], shop)], [shop]),
    routes: [route("own", https, [], forwardRule([backend("nobody", [])]))],
  });
  expect(await greeting(port, "shop.example")).toBe("hello from shop.example\n");
  const answer = await tlsExchange(
    port,
    { servername: "own.example" },
    "GET / HTTP/1.1\r\nhost: own.example\r\nconnection: close\r\n\r\n",
  );
  expect(answer).toMatchObject({ shown: "own.example" });
  expect(answer.text).toMatch(/^HTTP\/1\.1 5/);
});

test("a mebibyte goes both ways whole, and the log tells of it", async () => {
  const shop = await secureEcho("shop.example");
  const tls = passing("tls");
  const gateway = await startLoopbackGateway(
    snapshot([tls], [tlsRoute("shop", tls, ["shop.example"], shop)], [shop]),
  );
  const body = Buffer.alloc(1024 * 1024, "limpet");
  const socket = tlsConnect(gateway.port, { servername: "shop.example" });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.end(body);
  await new Promise((closed) => socket.on("close", closed));
  expect(Buffer.concat(chunks).subarray("hello from shop.example\n".length).equals(body)).toBe(true);
  await expect.poll(() => gateway.log).toHaveLength(1);
  expect(gateway.log[0]).toMatchObject({
    protocol: "TLS",
    host: "shop.example",
    status: 0,
    listener: tls.id,
    route: "TLSRoute/default/shop",
    backend: shop.id,
    upstreamAddress: shop.endpoints[0]?.address,
    error: undefined,
  });
  const { bytesIn = 0, bytesOut = 0 } = gateway.log[0] ?? {};
  expect(Math.min(bytesIn, bytesOut)).toBeGreaterThan(body.length);
  expect(gateway.engine.stats()).toContainEqual({
    name: "limpet_passthrough_connections_total",
    labels: { listener: tls.id, route: "TLSRoute/default/shop" },
    value: 1,
  });
});

test("the weights choose the backend, and the source address may choose the endpoint", async () => {
  const named = await Promise.all(["a", "b", "c", "d"].map((name) => secureEcho(`${name}.example`)));
  const endpoints = named.flatMap((one) => one.endpoints);
  const all = backend("all", endpoints, {
    loadBalancer: {
      kind: "maglev",
      tableSize: 251,
      useHostname: false,
      hashPolicies: [{ kind: "sourceIp", terminal: false }],
    },
  });
  const tls = passing("tls");
  const one = tlsRoute("all", tls, ["*"], all);
  const gateway = await startLoopbackGateway(snapshot([tls], [one], [all]));
  const seen = new Set<string>();
  for (let count = 0; count < 6; count += 1) seen.add(await greeting(gateway.port, "shop.example"));
  expect(seen.size).toBe(1);
  await expect.poll(() => gateway.log.length).toBe(6);
  expect(gateway.log[0]?.affinity?.source).toBe("hash");
});

test("a PROXY header tells the endpoint whose connection it is", async () => {
  let first = "";
  const address = await startRawOrigin((socket) => {
    socket.once("data", (bytes) => {
      first = bytes.toString("latin1");
      socket.destroy();
    });
  });
  const behind = backend("behind", [address], { proxyProtocol: "v1" });
  const tls = passing("tls");
  const { port } = await startLoopbackGateway(
    snapshot([tls], [tlsRoute("all", tls, ["*"], behind)], [behind]),
  );
  await tlsExchange(port, { servername: "shop.example" });
  expect(first).toMatch(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${port}\r\n\x16\x03`));
});

test("clients whose endpoint cannot be reached, or is not there, are cut off without a word", async () => {
  const [closed] = (await freePorts(1)) as [number];
  const dead = backend("dead", [endpoint(`127.0.0.1:${closed}`)]);
  const none = backend("none", []);
  const tls = passing("tls");
  const routes = [
    tlsRoute("dead", tls, ["dead.example"], dead),
    tlsRoute("none", tls, ["none.example"], none),
  ];
  const gateway = await startLoopbackGateway(snapshot([tls], routes, [dead, none]));
  for (const servername of ["dead.example", "none.example"]) {
    expect((await tlsExchange(gateway.port, { servername })).error).toBe("ECONNRESET");
  }
  await expect.poll(() => gateway.log.map(({ error }) => error)).toEqual(["connect-failed", "no-endpoints"]);
});

test("an endpoint gets no more connections at a time than it may", async () => {
  const shop = await secureEcho("shop.example");
  const tls = passing("tls");
  const gateway = await startLoopbackGateway(snapshot([tls], [tlsRoute("shop", tls, ["*"], shop)], [shop]), {
    maxRequestsPerEndpoint: 1,
  });
  const first = tlsConnect(gateway.port, { servername: "shop.example" });
  await new Promise((secured) => first.once("secureConnect", secured));
  expect((await tlsExchange(gateway.port, { servername: "shop.example" })).error).toBe("ECONNRESET");
  expect(gateway.log.map(({ error }) => error)).toEqual(["endpoint-busy"]);
  first.destroy();
  await expect.poll(() => gateway.engine.connections).toBe(0);
  expect(await greeting(gateway.port, "shop.example")).toBe("hello from shop.example\n");
});

test("silence ends it after the tunnel's timeout, and draining after the time to drain", async () => {
  const shop = await secureEcho("shop.example");
  const tls = passing("tls");
  const routes = [tlsRoute("shop", tls, ["*"], shop)];
  const silent = await startLoopbackGateway(snapshot([tls], routes, [shop]), { tunnelTimeoutMs: 100 });
  const draining = await startLoopbackGateway(snapshot([tls], routes, [shop]));
  // Not even its handshake need be over before it is too silent.
  tlsConnect(silent.port, { servername: "shop.example" }).on("error", () => {});
  await expect.poll(() => silent.log.map(({ error }) => error)).toEqual(["tunnel-timeout"]);
  const open = tlsConnect(draining.port, { servername: "shop.example" });
  await new Promise((secured) => open.once("secureConnect", secured));
  open.on("error", () => {});
  await draining.engine.drain(20);
  expect(draining.log.map(({ error }) => error)).toEqual(["draining"]);
});

test("what is ended here is passed on in plain text, beside a name that is passed through", async () => {
  const [plain, secure] = await Promise.all([plainEcho("plain"), secureEcho("shop.example")]);
  const [ended, passed] = [ending("db.example"), passing("tls", "shop.example")];
  const routes = [
    tlsRoute("db", ended, ["db.example"], plain),
    tlsRoute("shop", passed, ["shop.example"], secure),
  ];
  const gateway = await startLoopbackGateway(snapshot([ended, passed], routes, [plain, secure]));
  const socket = tlsConnect(gateway.port, { servername: "db.example" }).setEncoding("latin1");
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  // The one side is over before the other begins to answer.
  socket.end("what is said\n");
  await new Promise((closed) => socket.on("close", closed));
  expect(text).toBe("hello from plain\nwhat is said\n");
  expect(await greeting(gateway.port, "shop.example")).toBe("hello from shop.example\n");
  await expect.poll(() => gateway.log).toHaveLength(2);
  expect(gateway.log.find(({ host }) => host === "db.example")).toMatchObject({
    protocol: "TLS",
    listener: ended.id,
    route: "TLSRoute/default/db",
    backend: plain.id,
    error: undefined,
  });
});

test("what is ended here goes on over TLS where the backend wants it, to nobody but whom it names", async () => {
  const trust = [{ id: "ConfigMap/default/ca", certificates: authority.certificate }];
  const echo = await secureEcho("inside.example");
  const [right, wrong] = ["inside.example", "other.example"].map((serverName, index): Backend => {
    return { ...echo, id: `${echo.id}-${index}`, tls: { trust, serverName, subjectAltNames: [] } };
  }) as [Backend, Backend];
  const [a, b] = [ending("right.example"), { ...ending("wrong.example"), id: "ending-too" }];
  const routes = [tlsRoute("a", a, ["right.example"], right), tlsRoute("b", b, ["wrong.example"], wrong)];
  const gateway = await startLoopbackGateway(snapshot([a, b], routes, [right, wrong]));
  expect(await greeting(gateway.port, "right.example")).toBe("hello from inside.example\n");
  const refused = await tlsExchange(gateway.port, { servername: "wrong.example" }, "what is said\n");
  expect(refused.text).toBe("");
  await expect.poll(() => gateway.log.map(({ error }) => error)).toEqual([undefined, "upstream-tls"]);
});

test("a client that offers protocols of its own finds none chosen, and goes on", async () => {
  const plain = await plainEcho("plain");
  const ended = ending("db.example");
  const { port } = await startLoopbackGateway(
    snapshot([ended], [tlsRoute("db", ended, ["db.example"], plain)], [plain]),
  );
  const socket = tlsConnect(port, { servername: "db.example", ALPNProtocols: ["postgresql"] });
  const text = await new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(String(chunk))));
  expect(text).toBe("hello from plain\n");
  expect(socket.alpnProtocol).toBe(false);
  socket.end();
});
