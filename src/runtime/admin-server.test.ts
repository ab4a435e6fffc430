// What the admin port answers, and to whom.
import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { makeAuthority } from "../../test/support/certificates.ts";
import { AdminServer } from "./admin-server.ts";

async function admin(host = "127.0.0.1", ready = true, snapshot: unknown = { version: 3 }) {
  const server = await AdminServer.listen(
    { host, port: 0 },
    { ready: () => ready, metrics: async () => "limpet_workers 1\n", snapshot: () => snapshot },
  );
  onTestFinished(() => server.close());
  const port = Number(server.address.split(":").pop());
  return (path: string, options: { host?: string; method?: string } = {}) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = { host: options.host ?? `localhost:${port}` };
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

test("a port that is taken is one line", async () => {
  const sources = { ready: () => true, metrics: async () => "", snapshot: () => null };
  const first = await AdminServer.listen({ host: "127.0.0.1", port: 0 }, sources);
  onTestFinished(() => first.close());
  const port = Number(first.address.split(":")[1]);
  await expect(AdminServer.listen({ host: "127.0.0.1", port }, sources)).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: the port is taken`,
  );
});
