// What the admin port answers, and to whom.
import { request } from "node:http";
import { connect } from "node:net";
import { constants } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { makeAuthority } from "../../test/support/certificates.ts";
import type { Explanation } from "../inspect/explanation.ts";
import { AdminServer, type AdminSettings, type AdminSources } from "./admin-server.ts";
import { type DrainingEndpoint, UnknownEndpoint } from "./drain-desk.ts";
import { QuestionError, type QuestionTexts } from "./explain/question.ts";

const CART: DrainingEndpoint = {
  endpoint: "10.0.0.1:80",
  hostname: "carts-0",
  backends: ["Service/default/carts:80"],
  since: "2026-06-01T10:00:00.000Z",
  by: "operator",
  requestsInFlight: 2,
  sessionRequests: 7.5,
};

/** Knows one endpoint, and writes down what it was told. */
function desk(told: string[] = []): AdminSources["drains"] {
  const change = (what: string) => async (name: string) => {
    told.push(`${what} ${name}`);
    if (name !== CART.hostname) throw new UnknownEndpoint(`nobody is called ${name}`, ["carts-0"]);
    return [CART];
  };
  return { list: async () => [CART], start: change("start"), end: change("end") };
}

async function explain({ request }: QuestionTexts): Promise<Explanation> {
  if (request === "") throw new QuestionError("expected a request");
  return { reason: request } as Explanation;
}

async function admin(
  host = "127.0.0.1",
  ready = true,
  snapshot: unknown = { version: 3 },
  drains: AdminSources["drains"] = desk(),
) {
  const server = await AdminServer.listen(
    { host, port: 0 },
    {
      ready: () => ready,
      metrics: async () => "limpet_workers 1\n",
      snapshot: () => snapshot,
      drains,
      explain,
    },
  );
  onTestFinished(() => server.close());
  const port = Number(server.address.split(":").pop());
  return (path: string, options: { host?: string; method?: string; origin?: string } = {}) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const { origin } = options;
      const headers = {
        host: options.host ?? `localhost:${port}`,
        ...(origin === undefined ? {} : { origin }),
      };
      const call = request(
        { port, host: "127.0.0.1", path, method: options.method ?? "GET", headers },
        (answer) => {
          let body = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            body += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        },
      );
      call.on("error", reject).end();
    });
}

test("health, readiness, metrics and the snapshot", async () => {
  const get = await admin();
  expect(await get("/healthz")).toEqual({ status: 200, body: "ok\n" });
  expect(await get("/readyz")).toEqual({ status: 200, body: "ready\n" });
  expect(await get("/metrics?x=1")).toEqual({ status: 200, body: "limpet_workers 1\n" });
  expect(JSON.parse((await get("/snapshot")).body)).toEqual({ version: 3 });
});

test("the snapshot shows certificates, and the key of none", async () => {
  const { chain, privateKey } = makeAuthority({ name: "Test authority" }).issue({ names: ["a.example.com"] });
  const certificate = { id: "Secret/default/a", chain, privateKey };
  const listener = { id: "https", tls: { certificates: [certificate] }, backendCertificate: certificate };
  const backend = { id: "a", tls: { clientCertificate: certificate } };
  const get = await admin("127.0.0.1", true, { snapshot: { listeners: [listener], backends: [backend] } });
  const { body } = await get("/snapshot");
  expect(JSON.parse(body).snapshot.listeners[0].tls.certificates).toEqual([
    { id: "Secret/default/a", chain },
  ]);
  expect(body).not.toContain("PRIVATE KEY");
});

test("not ready is 503", async () => {
  expect((await (await admin("127.0.0.1", false))("/readyz")).status).toBe(503);
});

test("other pages and methods are named", async () => {
  const get = await admin();
  expect(await get("/nothing")).toMatchObject({ status: 404, body: expect.stringContaining("/snapshot") });
  expect((await get("/snapshot", { method: "POST" })).status).toBe(405);
});

test("a foreign name in Host is refused on loopback", async () => {
  const get = await admin();
  expect((await get("/snapshot", { host: "evil.example" })).status).toBe(403);
  expect((await get("/healthz", { host: "127.0.0.1.evil.example" })).status).toBe(403);
  for (const host of ["LOCALHOST", "127.0.0.1:1", "[::1]:9900"]) {
    expect((await get("/snapshot", { host })).status).toBe(200);
  }
});

test("beyond loopback only health, readiness and metrics are open", async () => {
  const get = await admin("0.0.0.0");
  expect((await get("/metrics", { host: "gateway.example" })).status).toBe(200);
  expect((await get("/snapshot")).status).toBe(403);
});

test("drains are listed, begun and ended", async () => {
  const told: string[] = [];
  const call = await admin("127.0.0.1", true, {}, desk(told));
  expect(JSON.parse((await call("/api/drains")).body)).toEqual({ drains: [CART] });
  for (const method of ["POST", "DELETE"]) {
    const { status, body } = await call("/api/drains?endpoint=carts-0", { method });
    expect([status, JSON.parse(body)]).toEqual([200, { drains: [CART] }]);
  }
  expect(told).toEqual(["start carts-0", "end carts-0"]);
});

test("an endpoint that nobody knows is 404 with the name that may have been meant, and none at all is 400", async () => {
  const call = await admin();
  const { status, body } = await call("/api/drains?endpoint=cart-0", { method: "POST" });
  expect([status, JSON.parse(body)]).toEqual([404, { error: "nobody is called cart-0", near: ["carts-0"] }]);
  expect((await call("/api/drains", { method: "POST" })).status).toBe(400);
});

test("a page of another site changes nothing", async () => {
  const told: string[] = [];
  const call = await admin("127.0.0.1", true, {}, desk(told));
  const path = "/api/drains?endpoint=carts-0";
  for (const origin of ["http://evil.example", "https://localhost", "null"]) {
    expect((await call(path, { method: "POST", origin })).status).toBe(403);
    expect((await call(path, { method: "DELETE", origin })).status).toBe(403);
  }
  expect(told).toEqual([]);
  expect(
    (await call(path, { method: "POST", host: "localhost:1", origin: "http://localhost:1" })).status,
  ).toBe(200);
});

test("a question in the query is answered, and one that says too little is 400", async () => {
  const call = await admin();
  const { status, body } = await call("/api/explain?request=GET+http%3A%2F%2Fshop.example%2F");
  expect([status, JSON.parse(body)]).toEqual([200, { reason: "GET http://shop.example/" }]);
  const short = await call("/api/explain");
  expect([short.status, JSON.parse(short.body)]).toEqual([400, { error: "expected a request" }]);
});

test("beyond loopback nobody asks for explanations, which open tokens", async () => {
  const call = await admin("0.0.0.0");
  expect((await call("/api/explain?request=GET+http%3A%2F%2Fshop.example%2F")).status).toBe(403);
});

test("beyond loopback nobody drains anything", async () => {
  const told: string[] = [];
  const call = await admin("0.0.0.0", true, {}, desk(told));
  expect((await call("/api/drains?endpoint=carts-0", { method: "POST" })).status).toBe(403);
  expect(told).toEqual([]);
});

test("a port that is taken is one line", async () => {
  const sources = {
    ready: () => true,
    metrics: async () => "",
    snapshot: () => null,
    drains: desk(),
    explain,
  };
  const first = await AdminServer.listen({ host: "127.0.0.1", port: 0 }, sources);
  onTestFinished(() => first.close());
  const port = Number(first.address.split(":")[1]);
  await expect(AdminServer.listen({ host: "127.0.0.1", port }, sources)).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: the port is taken`,
  );
});

/** One that nothing but time and the system happens to. */
async function settled(settings: AdminSettings, snapshot: unknown = {}) {
  const sources: AdminSources = {
    ready: () => true,
    metrics: async () => "",
    snapshot: () => snapshot,
    drains: desk(),
    explain,
  };
  const server = await AdminServer.listen({ host: "127.0.0.1", port: 0 }, sources, undefined, settings);
  onTestFinished(() => server.close());
  return server;
}

test("a client that never reads its page is let go", async () => {
  const server = await settled({ clientTimeoutMs: 50 }, { text: "x".repeat(32 * 1024 * 1024) });
  const port = Number(server.address.split(":").pop());
  const client = connect({ port, host: "127.0.0.1" });
  onTestFinished(() => void client.destroy());
  client.pause();
  client.on("error", () => {});
  client.write("GET /snapshot HTTP/1.1\r\nhost: localhost\r\n\r\n");
  // Who reads nothing learns by writing; now and then, since that is a sign of life.
  const isClosed = () => {
    client.write("\r\n");
    return client.destroyed;
  };
  await expect.poll(isClosed, { interval: 300 }).toBe(true);
});

test("a client that cannot be accepted, for want of descriptors, is told of and ends nothing", async () => {
  const failures: string[] = [];
  const server = await settled({ onAcceptFailed: (error) => failures.push(error.message) });
  const { onconnection } = server.handle as { onconnection(this: object, status: number): void };
  onconnection.call(server.handle as object, -constants.errno.EMFILE);
  expect(failures).toEqual([expect.stringContaining("accept EMFILE")]);
  const answer = await fetch(`http://${server.address}/healthz`);
  expect(await answer.text()).toBe("ok\n");
});
