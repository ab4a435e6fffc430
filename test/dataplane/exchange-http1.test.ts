// The whole data plane on loopback sockets: HTTP/1.1 clients in front, node:http servers behind.
import { once } from "node:events";
import { get, type IncomingMessage, request } from "node:http";
import type { Writable } from "node:stream";
import { expect, test } from "vitest";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startOrigin, startRawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const GET = "GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n";

async function gatewayTo(...endpoints: ReturnType<typeof endpoint>[]) {
  return startLoopbackGateway(snapshotOf({ backends: [backend("web", endpoints)] }));
}

test("headers, body and status pass, and the endpoint learns who asks", async () => {
  const origin = await startOrigin((request, response) => {
    response.writeHead(201, { "X-App": "Yes", "content-type": "application/json" });
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const gateway = await gatewayTo(origin.endpoint);
  const response = await fetch(`http://127.0.0.1:${gateway.port}/a/./b?c=1`, { headers: { "x-one": "1" } });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-app")).toBe("Yes");
  const seen = (await response.json()) as { url: string; headers: Record<string, string> };
  expect(seen.url).toBe("/a/b?c=1");
  expect(seen.headers).toMatchObject({
    host: `127.0.0.1:${gateway.port}`,
    "x-one": "1",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": `127.0.0.1:${gateway.port}`,
    "x-request-id": gateway.log[0]?.requestId,
  });
  await expect
    .poll(() => gateway.log)
    .toMatchObject([
      { status: 201, protocol: "HTTP/1.1", upstreamAddress: origin.endpoint.address, error: undefined },
    ]);
});

test("a POST of any framing arrives whole, and keeps its connections", async () => {
  const origin = await startOrigin((request, response) => {
    response.setHeader("x-length", request.headers["content-length"] ?? "chunked");
    request.pipe(response);
  });
  const gateway = await gatewayTo(origin.endpoint);
  const url = `http://127.0.0.1:${gateway.port}/`;
  const known = await fetch(url, { method: "POST", body: "hello" });
  expect([known.headers.get("x-length"), await known.text()]).toEqual(["5", "hello"]);
  const body = new ReadableStream({
    start(controller) {
      for (const part of ["one ", "two ", "three"]) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const streamed = await fetch(url, { method: "POST", body, duplex: "half" });
  expect([streamed.headers.get("x-length"), await streamed.text()]).toEqual(["chunked", "one two three"]);
  const samples = gateway.engine.stats();
  expect(samples.find(({ name }) => name === "limpet_upstream_connects_total")?.value).toBe(1);
  expect(samples.find(({ name }) => name === "limpet_upstream_reuses_total")?.value).toBe(1);
});

test("a session cookie brings the client home over many endpoints", async () => {
  const origins = await Promise.all(
    [1, 2, 3, 4].map((id) => startOrigin((_, response) => response.end(String(id)))),
  );
  const web = backend(
    "web",
    origins.map((origin) => origin.endpoint),
  );
  const rule = forwardRule([web], { session: cookieSession("home") });
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [web], rules: [rule] }));
  const url = `http://127.0.0.1:${gateway.port}/`;
  const first = await fetch(url);
  const home = await first.text();
  const cookie = first.headers.getSetCookie()[0]?.split(";")[0] as string;
  for (let count = 0; count < 8; count++) {
    const again = await fetch(url, { headers: { cookie } });
    expect(await again.text()).toBe(home);
    expect(again.headers.getSetCookie()).toEqual([]);
  }
});

test("pipelined requests are answered in order", async () => {
  const origin = await startOrigin((request, response) => {
    setImmediate(() => response.end(request.url));
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write([1, 2, 3].map((id) => `GET /page-${id} HTTP/1.1\r\nhost: a\r\n\r\n`).join(""));
  const text = await client.until((all) => all.includes("/page-3"));
  expect(text.match(/\/page-\d/g)).toEqual(["/page-1", "/page-2", "/page-3"]);
});

test("HEAD has the length and no body", async () => {
  const origin = await startOrigin((_, response) => {
    response.setHeader("content-length", "5");
    response.end("hello");
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write(`HEAD / HTTP/1.1\r\nhost: a\r\n\r\n${GET}`);
  const text = await client.until((all) => all.endsWith("hello"));
  expect(text.match(/content-length: 5/gi)).toHaveLength(2);
  expect(text.match(/hello/g)).toHaveLength(1);
});

test("a client that waits for a 100 gets it, and its body arrives", async () => {
  const origin = await startOrigin((request, response) => {
    expect(request.headers.expect).toBeUndefined();
    request.pipe(response);
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
  await client.until((text) => text.includes("100 Continue\r\n\r\n"));
  client.write("body");
  await client.until((text) => text.includes("200 OK") && text.includes("body"));
});

const LARGE = 256 * 1024 * 1024;
const CHUNK = Buffer.alloc(1 << 20);

/** Writes so many zeros with back-pressure, then ends. */
function writeLarge(target: Writable): void {
  let left = LARGE;
  const more = () => {
    while (left > 0) {
      left -= CHUNK.length;
      if (!target.write(CHUNK)) {
        target.once("drain", more);
        return;
      }
    }
    target.end();
  };
  more();
}

/** Resolves once the process holds no more memory than a moment ago. */
async function memorySettles(): Promise<void> {
  let before = 0;
  const grown = () => {
    const now = process.memoryUsage().rss;
    const more = now - before;
    before = now;
    return more;
  };
  await expect.poll(grown, { interval: 100 }).toBeLessThan(1 << 18);
}

test("a download that nobody reads is held back at its source, and arrives whole later", async () => {
  const origin = await startOrigin((_, response) => writeLarge(response));
  const gateway = await gatewayTo(origin.endpoint);
  const before = process.memoryUsage().rss;
  const incoming = await new Promise<IncomingMessage>((resolve) => {
    get({ host: "127.0.0.1", port: gateway.port, agent: false }, resolve);
  });
  await memorySettles();
  expect(process.memoryUsage().rss - before).toBeLessThan(LARGE / 4);
  let size = 0;
  for await (const chunk of incoming) size += (chunk as Buffer).length;
  expect(size).toBe(LARGE);
  await expect.poll(() => gateway.log).toMatchObject([{ bytesOut: LARGE, error: undefined }]);
});

test("an upload that the endpoint does not read is held back at the client, and arrives whole later", async () => {
  let incoming: IncomingMessage | undefined;
  let size = 0;
  const origin = await startOrigin((request, response) => {
    incoming = request;
    request.on("end", () => response.end("thanks"));
  });
  const gateway = await gatewayTo(origin.endpoint);
  const before = process.memoryUsage().rss;
  const outgoing = request({ host: "127.0.0.1", port: gateway.port, method: "PUT", agent: false });
  const answered = once(outgoing, "response");
  writeLarge(outgoing);
  await expect.poll(() => incoming).toBeDefined();
  await memorySettles();
  expect(process.memoryUsage().rss - before).toBeLessThan(LARGE / 4);
  incoming?.on("data", (chunk: Buffer) => {
    size += chunk.length;
  });
  const [response] = (await answered) as [IncomingMessage];
  response.resume();
  expect([response.statusCode, size]).toEqual([200, LARGE]);
  await expect.poll(() => gateway.log).toMatchObject([{ bytesIn: LARGE, error: undefined }]);
});

test("a client that leaves in the middle takes its endpoint's exchange along", async () => {
  let closed = false;
  const origin = await startOrigin((_, response) => {
    response.write("first");
    response.on("close", () => {
      closed = true;
    });
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write(GET);
  await client.until((text) => text.includes("first"));
  client.socket.resetAndDestroy();
  await expect.poll(() => closed).toBe(true);
  await expect.poll(() => gateway.log).toMatchObject([{ status: 200, error: "client-closed" }]);
});

test("an endpoint that breaks off truncates the client's body", async () => {
  const origin = await startOrigin((_, response) => {
    response.write("first");
    setImmediate(() => response.destroy());
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write(GET);
  const text = await client.untilClosed();
  expect(text).toContain("first");
  expect(text).not.toContain("\r\n0\r\n");
  await expect.poll(() => gateway.log).toMatchObject([{ status: 200, error: "upstream-closed" }]);
});

test("nobody listens at the endpoint: 503", async () => {
  const gateway = await gatewayTo(endpoint("127.0.0.1:1"));
  const response = await fetch(`http://127.0.0.1:${gateway.port}/`);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain("(connect-failed, request ");
});

test("an answer that is not HTTP: 502", async () => {
  const broken = await startRawOrigin((socket) =>
    socket.on("data", () => socket.end("SSH-2.0-hello\r\n\r\n")),
  );
  const gateway = await gatewayTo(broken);
  const response = await fetch(`http://127.0.0.1:${gateway.port}/`);
  expect(response.status).toBe(502);
  await expect.poll(() => gateway.log).toMatchObject([{ error: "upstream-protocol" }]);
});

test("an endpoint that hangs up on its idle connections costs no request", async () => {
  let requests = 0;
  const rude = await startRawOrigin((socket) => {
    let served = 0;
    socket.on("data", () => {
      served += 1;
      requests += 1;
      // The second request on a connection is never answered.
      if (served === 2) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(rude);
  const client = new RawClient(gateway.port);
  client.write(GET);
  await client.until((text) => text.endsWith("ok"));
  client.write(GET);
  await client.until((text) => text.split("200 OK").length === 3);
  expect(requests).toBe(3);
  const retries = gateway.engine.stats().find(({ name }) => name === "limpet_upstream_retries_total");
  expect(retries?.value).toBe(1);
});

test("an endpoint that does not answer in time: 504", async () => {
  const silent = await startRawOrigin(() => {});
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [silent])] }), {
    upstreamResponseTimeoutMs: 200,
  });
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(504);
});

test("what is no request is refused, logged and counted", async () => {
  const gateway = await gatewayTo(endpoint("127.0.0.1:1"));
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n");
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
  await expect
    .poll(() => gateway.log)
    .toMatchObject([{ status: 400, error: "bad-request", method: undefined }]);
});

test("a WebSocket upgrade becomes a tunnel", async () => {
  const origin = await startOrigin(() => {});
  origin.server.on("upgrade", (_, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi ");
    socket.pipe(socket);
  });
  const gateway = await gatewayTo(origin.endpoint);
  const client = new RawClient(gateway.port);
  client.write(
    "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nearly ",
  );
  await client.until((text) => text.includes("101 ") && text.includes("early "));
  client.write("late");
  await client.until((text) => text.endsWith("late"));
  client.socket.end();
  await once(client.socket, "end").catch(() => {});
  await expect.poll(() => gateway.log).toMatchObject([{ status: 101, bytesIn: 10, bytesOut: 13 }]);
});
