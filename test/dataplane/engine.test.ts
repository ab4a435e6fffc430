// The engine's life: snapshots come and go under traffic, ports open and close, and in the end everything drains.
import { execFileSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { NO_ACCESS_LOG } from "../../src/dataplane/access-log.ts";
import { SYSTEM_CLOCK } from "../../src/dataplane/clock.ts";
import { Engine } from "../../src/dataplane/engine.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { settle } from "../support/memory-socket.ts";
import { startOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { listener, match, prefix, route } from "../support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../support/snapshots.ts";

const GET = "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n";

function sampleOf(engine: Engine, name: string): number | undefined {
  return engine.stats().find((sample) => sample.name === name)?.value;
}

async function answerOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`)).text();
}

test("a port without a snapshot answers 404", async () => {
  const engine = new Engine({
    options: DEFAULT_DATAPLANE_OPTIONS,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    accessLog: NO_ACCESS_LOG,
    logger: { error: () => {}, warn: () => {}, debug: () => {} },
  });
  const { port, address } = await engine.listen("80", { host: "127.0.0.1", port: 0 });
  expect(address).toBe(`127.0.0.1:${port}`);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  await engine.drain(1000);
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test("a swap takes effect with the next request; the one in flight finishes as it began", async () => {
  const held: ServerResponse[] = [];
  const old = await startOrigin((_, response) => held.push(response));
  const fresh = await startOrigin((_, response) => response.end("fresh"));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [old.endpoint])] }));
  const first = answerOf(gateway.port);
  await expect.poll(() => held).toHaveLength(1);
  await gateway.serve(snapshotOf({ version: 2, backends: [backend("web", [fresh.endpoint])] }));
  expect(gateway.engine.version).toBe(2);
  expect(await answerOf(gateway.port)).toBe("fresh");
  held[0]?.end("old");
  expect(await first).toBe("old");
});

test("only what was prepared can be committed", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }));
  expect(() => gateway.engine.commit(2)).toThrow("snapshot 2 is not prepared");
  await gateway.engine.prepare(snapshotOf({ version: 2, backends: [] }));
  expect(gateway.engine.version).toBe(1);
  expect(() => gateway.engine.commit(3)).toThrow();
  gateway.engine.commit(2);
  expect(gateway.engine.version).toBe(2);
});

test("while a large snapshot is prepared, requests get their turn", async () => {
  const origin = await startOrigin((_, response) => response.end("ok"));
  const web = backend("web", [origin.endpoint]);
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [web] }));
  const on = listener("http");
  const routes = Array.from({ length: 10_000 }, (_, index) =>
    route(`r${index}`, on, [`h${index}.example`], forwardRule([web])),
  );
  // The first request loads the client; only the second one is to the point.
  await answerOf(gateway.port);
  let isPrepared = false;
  const preparing = gateway.engine
    .prepare(snapshotOf({ version: 2, listeners: [on], backends: [web], routes }))
    .then(() => {
      isPrepared = true;
    });
  expect(await answerOf(gateway.port)).toBe("ok");
  expect(isPrepared).toBe(false);
  await preparing;
  gateway.engine.commit(2);
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(404);
});

test("a bind point that vanishes accepts no more, and its request in flight finishes", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_, response) => held.push(response));
  const web = backend("web", [origin.endpoint]);
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [web] }));
  const client = new RawClient(gateway.port);
  client.write(GET);
  await expect.poll(() => held).toHaveLength(1);
  const elsewhere = { ...listener("http"), port: 81 };
  await gateway.serve(snapshotOf({ version: 2, listeners: [elsewhere], backends: [web] }));
  await expect(fetch(`http://127.0.0.1:${gateway.port}/`)).rejects.toThrow();
  held[0]?.end("done");
  const text = await client.untilClosed();
  expect(text).toMatch(/connection: close/i);
  expect(text.endsWith("done")).toBe(true);
  client.socket.end();
  await expect.poll(() => gateway.engine.connections).toBe(0);
});

test("several listeners share a port, and the Host picks one", async () => {
  const origin = await startOrigin((request, response) => response.end(request.headers.host));
  const web = backend("web", [origin.endpoint]);
  const listeners = [listener("a", "a.example"), listener("b", "*.b.example")];
  const parts = snapshotOf({ listeners, backends: [web] });
  const gateway = await startLoopbackGateway({
    ...parts,
    routes: parts.routes.map((route) => ({
      ...route,
      attachments: listeners.map(({ id }) => ({ listener: id, hostnames: ["*"] })),
    })),
  });
  const client = new RawClient(gateway.port);
  for (const host of ["a.example", "x.b.example", "c.example"]) {
    client.write(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    await expect.poll(() => gateway.log.at(-1)?.host).toBe(host);
  }
  expect(gateway.log.map(({ listener: id, status }) => [id, status])).toEqual([
    ["Gateway/default/edge/a", 200],
    ["Gateway/default/edge/b", 200],
    [undefined, 404],
  ]);
});

test("draining lets requests finish and closes what is idle", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_, response) => held.push(response));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }));
  const idle = new RawClient(gateway.port);
  const busy = new RawClient(gateway.port);
  busy.write(GET);
  await expect.poll(() => [held.length, gateway.engine.connections]).toEqual([1, 2]);
  const drained = gateway.engine.drain(10_000);
  await idle.untilClosed();
  idle.socket.end();
  held[0]?.end("done");
  expect(await busy.untilClosed()).toMatch(/done$/);
  busy.socket.end();
  await drained;
  expect(gateway.engine.connections).toBe(0);
});

test("a request that comes while it drains goes by the snapshot of now", async () => {
  const old = await startOrigin((_, response) => response.end("old"));
  const fresh = await startOrigin((_, response) => response.end("fresh"));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [old.endpoint])] }));
  const client = new RawClient(gateway.port);
  client.write(GET.slice(0, 10));
  await expect.poll(() => gateway.engine.connections).toBe(1);
  // What was sent is read in one of the next turns; until then the connection looks idle.
  await settle();
  const drained = gateway.engine.drain(10_000);
  await gateway.serve(snapshotOf({ version: 2, backends: [backend("web", [fresh.endpoint])] }));
  client.write(GET.slice(10));
  expect(await client.untilClosed()).toMatch(/fresh$/);
  client.socket.end();
  await drained;
});

test("what does not finish in time is cut off", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_, response) => held.push(response));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }));
  const client = new RawClient(gateway.port);
  client.write(GET);
  await expect.poll(() => held).toHaveLength(1);
  await gateway.engine.drain(50);
  await client.untilClosed();
  expect(gateway.log).toMatchObject([{ status: 503, error: "draining" }]);
});

test("connections beyond the limit are told so, logged and counted", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }), { maxConnections: 1 });
  const first = new RawClient(gateway.port);
  first.write(GET);
  await first.until((text) => text.startsWith("HTTP/1.1 "));
  const second = new RawClient(gateway.port);
  second.write(GET);
  const answer = await second.untilClosed();
  expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  expect(answer).toMatch(/\r\nretry-after: 1\r\n(.+\r\n)*connection: close\r\n\r\n.*too-many-connections/);
  expect(gateway.log.at(-1)).toMatchObject({ status: 503, error: "too-many-connections" });
  expect(sampleOf(gateway.engine, "limpet_client_connections_refused_total")).toBe(1);
});

test("of many clients beyond the limit only some are told, and one that says nothing is not waited for", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }), { maxConnections: 1 });
  const first = new RawClient(gateway.port);
  first.write(GET);
  await first.until((text) => text.startsWith("HTTP/1.1 "));
  const silent = Array.from({ length: 200 }, () => new RawClient(gateway.port));
  await Promise.all(silent.map((client) => client.untilClosed()));
  expect(silent.map(({ text }) => text).join("")).toBe("");
  expect(gateway.engine.connections).toBeLessThanOrEqual(1);
});

test("who waits idly yields its place to a newcomer once it had its chance", async () => {
  const origin = await startOrigin((_, response) => response.end("ok"));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }), {
    maxConnections: 2,
  });
  const [idle, slow] = [new RawClient(gateway.port), new RawClient(gateway.port)];
  slow.write("GET / HTTP/1.1\r\nhost:");
  await expect.poll(() => gateway.engine.connections).toBe(2);
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(200);
  await expect.poll(() => [idle.closed, slow.closed]).toContain(true);
  expect(sampleOf(gateway.engine, "limpet_client_connections_yielded_total")).toBeGreaterThan(0);
});

test("requests beyond the limit get 503 and keep their connection", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_, response) => held.push(response));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }), {
    maxRequests: 1,
  });
  const [first, second] = [new RawClient(gateway.port), new RawClient(gateway.port)];
  first.write(GET);
  await expect.poll(() => held).toHaveLength(1);
  second.write(GET);
  expect(await second.until((text) => text.includes("overloaded"))).toMatch(/503 .*\r\nretry-after: 1\r\n/s);
  held[0]?.end("first");
  await first.until((text) => text.endsWith("first"));
  second.write(GET);
  await expect.poll(() => held).toHaveLength(2);
  held[1]?.end("second");
  await second.until((text) => text.endsWith("second"));
});

test("one endpoint takes so many requests at a time, and the others go on", async () => {
  const held: ServerResponse[] = [];
  const slow = await startOrigin((_, response) => held.push(response));
  const quick = await startOrigin((_, response) => response.end("quick"));
  const backends = [backend("slow", [slow.endpoint]), backend("quick", [quick.endpoint])];
  const rules = backends.map((one) =>
    forwardRule([one], { matches: [match(prefix(`/${one.object.name}`))] }),
  );
  const gateway = await startLoopbackGateway(snapshotOf({ backends, rules }), { maxRequestsPerEndpoint: 1 });
  const url = `http://127.0.0.1:${gateway.port}`;
  const first = fetch(`${url}/slow`);
  await expect.poll(() => held).toHaveLength(1);
  const refused = await fetch(`${url}/slow`);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await refused.text()).toContain("endpoint-busy");
  expect(await (await fetch(`${url}/quick`)).text()).toBe("quick");
  held[0]?.end("slow");
  expect(await (await first).text()).toBe("slow");
});

test("a socket that is given back leaves its clients where they are", async () => {
  const { endpoint } = await startOrigin((_, response) => response.end("here"));
  const backends = [backend("one", [endpoint])];
  const gateway = await startLoopbackGateway(snapshotOf({ backends, rules: [forwardRule(backends)] }));
  const second = await gateway.engine.listen("80", { host: "127.0.0.1", port: 0 }, 1);
  const client = new RawClient(second.port);
  client.write(GET);
  await client.until((text) => text.endsWith("here"));
  gateway.engine.release("80", 1);
  await expect(answerOf(second.port)).rejects.toThrow("fetch failed");
  client.write(GET);
  await client.until((text) => text.split("here").length === 3);
  expect(await answerOf(gateway.port)).toBe("here");
});

test("a port that is taken is an error of the system's kind", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }));
  await expect(gateway.engine.listen("81", { host: "127.0.0.1", port: gateway.port })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
  await expect(gateway.engine.listen("80", { host: "127.0.0.1", port: 0 })).rejects.toThrow("served already");
});

/** Sends its request and resets the connection. */
const HASTY = `
const client = require("node:net").connect(Number(process.argv[1]), "127.0.0.1");
client.write("POST /hasty HTTP/1.1\\r\\nhost: shop.example\\r\\ncontent-length: 0\\r\\n\\r\\n", () => client.resetAndDestroy());
`;

test("whoever has reset its connection before it is accepted asks for nothing: nobody knows who it was", async () => {
  const asked: (string | undefined)[] = [];
  const origin = await startOrigin((request, response) => {
    asked.push(request.url);
    response.end("here");
  });
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }));
  // Nothing is accepted as long as this waits.
  execFileSync(process.execPath, ["-e", HASTY, String(gateway.port)]);
  expect(await answerOf(gateway.port)).toBe("here");
  await expect.poll(() => gateway.log).toHaveLength(1);
  expect(asked).toEqual(["/"]);
  expect(gateway.engine.connections).toBeLessThanOrEqual(1);
});
