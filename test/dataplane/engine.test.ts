// The engine's life: snapshots come and go under traffic, ports open and close, and in the end everything drains.
import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { NO_ACCESS_LOG } from "../../src/dataplane/access-log.ts";
import { SYSTEM_CLOCK } from "../../src/dataplane/clock.ts";
import { Engine } from "../../src/dataplane/engine.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { listener, route } from "../support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../support/snapshots.ts";

const GET = "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n";

async function answerOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`)).text();
}

test("a port without a snapshot answers 404", async () => {
  const engine = new Engine({
    options: DEFAULT_DATAPLANE_OPTIONS,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    accessLog: NO_ACCESS_LOG,
    logger: { error: () => {} },
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
  await vi.waitFor(() => expect(held).toHaveLength(1));
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
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const elsewhere = { ...listener("http"), port: 81 };
  await gateway.serve(snapshotOf({ version: 2, listeners: [elsewhere], backends: [web] }));
  await expect(fetch(`http://127.0.0.1:${gateway.port}/`)).rejects.toThrow();
  held[0]?.end("done");
  const text = await client.untilClosed();
  expect(text).toMatch(/connection: close/i);
  expect(text.endsWith("done")).toBe(true);
  client.socket.end();
  await vi.waitFor(() => expect(gateway.engine.connections).toBe(0));
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
    await vi.waitFor(() => expect(gateway.log.at(-1)?.host).toBe(host));
  }
  expect(gateway.log.map(({ listener: id, status }) => [id, status])).toEqual([
    ["Gateway/default/edge/a", 200],
    ["Gateway/default/edge/b", 200],
    [undefined, 404],
  ]);
});

test("draining lets requests finish and closes what is idle at once", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_, response) => held.push(response));
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }));
  const idle = new RawClient(gateway.port);
  const busy = new RawClient(gateway.port);
  busy.write(GET);
  await vi.waitFor(() => expect([held.length, gateway.engine.connections]).toEqual([1, 2]));
  const drained = gateway.engine.drain(10_000);
  await idle.untilClosed();
  idle.socket.end();
  held[0]?.end("done");
  expect(await busy.untilClosed()).toMatch(/done$/);
  busy.socket.end();
  await drained;
  expect(gateway.engine.connections).toBe(0);
});

test("what does not finish in time is cut off", async () => {
  const origin = await startOrigin(() => {});
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin.endpoint])] }));
  const client = new RawClient(gateway.port);
  client.write(GET);
  await vi.waitFor(() => expect(gateway.engine.connections).toBe(1));
  await gateway.engine.drain(50);
  await client.untilClosed();
  expect(gateway.log).toMatchObject([{ status: 503, error: "draining" }]);
});

test("connections beyond the limit are closed at once and counted", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }), { maxConnections: 1 });
  const first = new RawClient(gateway.port);
  first.write(GET);
  await first.until((text) => text.startsWith("HTTP/1.1 "));
  await new RawClient(gateway.port).untilClosed();
  const refused = gateway.engine
    .stats()
    .find(({ name }) => name === "limpet_client_connections_refused_total");
  expect(refused?.value).toBe(1);
});

test("a port that is taken is an error of the system's kind", async () => {
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [] }));
  await expect(gateway.engine.listen("81", { host: "127.0.0.1", port: gateway.port })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
  await expect(gateway.engine.listen("80", { host: "127.0.0.1", port: 0 })).rejects.toThrow("served already");
});
