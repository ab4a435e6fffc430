// The sample backend from outside: its pages, who answered, and what its replicas wrote down.
import { on, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Replica } from "./replica.ts";
import { type Replicas, startReplicas } from "./replicas.ts";

const lines: string[] = [];
let group: Replicas;
let first: Replica;

beforeAll(async () => {
  group = await startReplicas({
    count: 2,
    log: (line) => lines.push(line),
    now: () => new Date("2026-01-02T03:04:05Z"),
  });
  first = group.replicas[0] as Replica;
});

afterEach(() => {
  lines.length = 0;
  for (const replica of group.replicas) replica.clearLog();
});

afterAll(() => group.stop());

/** What the tests look at, of all pages together. */
interface Body {
  readonly headers: unknown;
  readonly origin: string;
  readonly cookies: unknown;
  readonly pages: readonly string[];
  readonly data: string;
  readonly body_bytes: number;
  readonly truncated: boolean;
}

async function ask(path: string, init?: RequestInit): Promise<{ response: Response; body: Body }> {
  const response = await fetch(`http://${first.address}${path}`, init);
  const text = await response.text();
  return { response, body: text === "" ? undefined : JSON.parse(text) };
}

describe("pages", () => {
  test("/get describes the request and says who answered, one field a line", async () => {
    const response = await fetch(`http://${first.address}/get?a=1`, { headers: { "x-a": "b" } });
    const text = await response.text();
    expect(text.split("\n").filter((line) => line.includes("pod"))).toEqual(['  "pod": "sample-1"']);
    expect(JSON.parse(text)).toMatchObject({
      args: { a: "1" },
      path: "/get?a=1",
      host: first.address,
      method: "GET",
      proto: "HTTP/1.1",
      headers: { "x-a": ["b"] },
    });
    expect(response.headers.get("x-replica")).toBe("sample-1");
  });

  test("/get takes GET alone", async () => {
    const { response } = await ask("/get", { method: "POST" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
  });

  test("/headers, /ip and /cookies show theirs", async () => {
    const init = { headers: { cookie: "a=1; b=x=y", "x-forwarded-for": "203.0.113.5, 10.0.0.1" } };
    expect((await ask("/headers", init)).body.headers).toMatchObject({ cookie: ["a=1; b=x=y"] });
    expect((await ask("/ip", init)).body).toEqual({ origin: "203.0.113.5", pod: "sample-1" });
    expect((await ask("/ip")).body.origin).toBe("127.0.0.1");
    expect((await ask("/cookies", init)).body.cookies).toEqual({ a: "1", b: "x=y" });
  });

  test.each([200, 204, 304, 333, 418, 599])("/status/%i answers it", async (status) => {
    expect((await ask(`/status/${status}`)).response.status).toBe(status);
  });

  test.each([
    ["/status/100", 400],
    ["/status/600", 400],
    ["/delay/11", 400],
    ["/stream/1001", 400],
    ["/stream?interval_ms=-1", 400],
    ["/nothing", 404],
  ])("%s is %i and tells the pages", async (path, status) => {
    const { response, body } = await ask(path);
    expect(response.status).toBe(status);
    expect(body.pages).toContain("/status/N");
  });

  test("/delay/N answers after N seconds", async () => {
    const start = performance.now();
    expect((await ask("/delay/0.2")).response.status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(190);
  });

  test("/anything echoes method, path and body", async () => {
    const { body } = await ask("/anything/x", { method: "PUT", body: "hällo" });
    expect(body).toMatchObject({ method: "PUT", path: "/anything/x", data: "hällo", body_bytes: 6 });
    expect(body.truncated).toBe(false);
  });

  test("/anything reads a body of any size and shows its beginning", async () => {
    const { body } = await ask("/anything", { method: "POST", body: "x".repeat(1_000_000) });
    expect(body.body_bytes).toBe(1_000_000);
    expect(body.data).toBe("x".repeat(65_536));
    expect(body.truncated).toBe(true);
  });

  test("/stream/N sends N lines, the first before the last exists", async () => {
    const response = await fetch(`http://${first.address}/stream/3?interval_ms=50`);
    const chunks: string[] = [];
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      chunks.push(Buffer.from(chunk).toString());
    }
    expect(chunks.length).toBeGreaterThan(1);
    const ids = chunks.join("").trim().split("\n");
    expect(ids.map((line) => JSON.parse(line).id)).toEqual([0, 1, 2]);
  });
});

describe("/ws", () => {
  async function open(path = "/ws"): Promise<{ socket: WebSocket; messages: AsyncIterator<Buffer[]> }> {
    const socket = new WebSocket(`ws://${first.address}${path}`);
    const messages = on(socket, "message") as AsyncIterator<Buffer[]>;
    await once(socket, "open");
    return { socket, messages };
  }

  async function next(messages: AsyncIterator<Buffer[]>): Promise<string> {
    return String((await messages.next()).value[0]);
  }

  test("greets with the replica's name, then echoes text of every length", async () => {
    const { socket, messages } = await open();
    expect(await next(messages)).toBe("hello from sample-1");
    for (const length of [0, 5, 125, 126, 65_535, 65_536, 1_000_000]) {
      const text = "é".repeat(length / 2);
      socket.send(text);
      expect(await next(messages)).toBe(text);
    }
    socket.close(1000, "bye");
    expect((await once(socket, "close"))[0]).toBe(1000);
    expect(first.log.map(({ status, uri }) => [status, uri])).toEqual([[101, "/ws"]]);
  });

  test("echoes fragments as one message and answers a ping between them", async () => {
    const { socket, messages } = await open();
    await next(messages);
    socket.send("one ", { fin: false });
    socket.ping("p");
    socket.send("two", { fin: true });
    const pong = once(socket, "pong");
    expect(await next(messages)).toBe("one two");
    expect(String((await pong)[0])).toBe("p");
    socket.terminate();
  });

  test("closes what is too big", async () => {
    const { socket } = await open();
    socket.send(Buffer.alloc(1024 * 1024 + 1));
    expect((await once(socket, "close"))[0]).toBe(1009);
  });

  test("refuses an upgrade elsewhere", async () => {
    const socket = new WebSocket(`ws://${first.address}/get`);
    const [, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(400);
    socket.on("error", () => {});
    socket.terminate();
  });
});

describe("log", () => {
  test("has one line a request, per replica, before the client has its answer", async () => {
    await ask("/status/418?x=%22");
    expect(first.log).toEqual([
      {
        time: "2026-01-02T03:04:05.000Z",
        replica: "sample-1",
        status: 418,
        method: "GET",
        uri: "/status/418?x=%22",
        client: "127.0.0.1",
      },
    ]);
    expect(group.replicas[1]?.log).toEqual([]);
    expect(lines).toEqual([
      'time="2026-01-02T03:04:05.000Z" replica="sample-1" status=418 method="GET" uri="/status/418?x=%22" client="127.0.0.1"',
    ]);
  });
});

describe("replicas", () => {
  test("stop cuts open requests, start listens on the same port again", async () => {
    const { address } = first;
    const open = fetch(`http://${address}/delay/10`).then(
      () => "answered",
      () => "cut",
    );
    await fetch(`http://${address}/get`);
    await first.stop();
    expect(await open).toBe("cut");
    await expect(fetch(`http://${address}/get`)).rejects.toThrow();
    await first.start();
    await first.start();
    expect(first.address).toBe(address);
    expect((await fetch(`http://${address}/get`)).status).toBe(200);
  });

  test("a taken port is one clear error, and nothing stays behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await expect(startReplicas({ count: 2, ports: [0, port] })).rejects.toThrow(/cannot listen.*EADDRINUSE/);
    taken.close();
  });
});
