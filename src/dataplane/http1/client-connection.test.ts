// How a connection to an endpoint behaves: what is written, reuse, what spoils it, errors with their verdict on retries.
import { createServer, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { EndpointHarness, RecordedExchange } from "../../../test/support/endpoint-harness.ts";
import { settle } from "../../../test/support/memory-socket.ts";
import type { Endpoint } from "../../model/index.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../options.ts";
import { PlainRequestHead } from "../plain-head.ts";
import { plainWay } from "../upstream-connection.ts";
import { http1Connector } from "./connector.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

describe("requests", () => {
  test("a request without a body is one write", async () => {
    const harness = new EndpointHarness().connect();
    harness.send({ path: "/x?y", fields: ["x-a", "1", "connection", "close", "expect", "100-continue"] });
    await settle();
    expect(harness.socket.sent).toBe("GET /x?y HTTP/1.1\r\nhost: shop.example\r\nx-a: 1\r\n\r\n");
    expect(harness.socket.writes).toBe(1);
  });

  test("a small body joins its head", async () => {
    const harness = new EndpointHarness().connect();
    const { stream } = harness.send({ method: "POST", bodyLength: 5 });
    stream.write(Buffer.from("hello"));
    stream.end([]);
    await settle();
    expect(harness.socket.sent).toBe(
      "POST /a HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 5\r\n\r\nhello",
    );
    expect(harness.socket.writes).toBe(1);
  });

  test("a body of unknown length is chunked; a large chunk is not mixed up with the ones around it", async () => {
    const harness = new EndpointHarness().connect();
    const { stream } = harness.send({ method: "POST", bodyLength: -1 });
    stream.write(Buffer.from("a"));
    stream.write(Buffer.alloc(0));
    stream.write(Buffer.alloc(20_000, "b"));
    stream.end(["x-sum", "1", "content-length", "9"]);
    await settle();
    expect(harness.socket.sent).toBe(
      "POST /a HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n" +
        `1\r\na\r\n4e20\r\n${"b".repeat(20_000)}\r\n0\r\nx-sum: 1\r\n\r\n`,
    );
  });

  test("a path that a filter made cannot end the request line", async () => {
    const harness = new EndpointHarness().connect();
    harness.send({ path: "/a b\r\nX: y\u00e4" });
    await settle();
    expect(harness.socket.sent).toMatch(/^GET \/a%20b%0D%0AX:%20y%C3%A4 HTTP\/1\.1\r\n/);
  });

  test("without an authority, Host names the endpoint", async () => {
    const harness = new EndpointHarness().connect();
    harness.send({ authority: "" });
    await settle();
    expect(harness.socket.sent).toContain("host: 192.0.2.1:8080\r\n");
  });

  test("a body that is not as long as announced ends the connection", async () => {
    const harness = new EndpointHarness().connect();
    const { stream } = harness.send({ method: "POST", bodyLength: 5 });
    stream.write(Buffer.from("hel"));
    stream.end([]);
    await settle();
    expect(harness.socket.destroyed).toBe(true);
    expect(harness.closed).toBe(1);
  });
});

describe("reuse", () => {
  test("one exchange after the other, and each knows whether the connection had served", async () => {
    const harness = new EndpointHarness().connect();
    const first = harness.send();
    harness.deliver(ANSWER);
    const second = harness.send();
    harness.deliver(ANSWER);
    expect([first.stream.reused, second.stream.reused]).toEqual([false, true]);
    expect(second.exchange.events.at(-1)).toBe("end {}");
    expect(harness.idle).toBe(2);
  });

  test("bytes behind a response close the connection and reach nobody", async () => {
    const harness = new EndpointHarness().connect();
    const { exchange } = harness.send();
    harness.deliver(`${ANSWER}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`);
    await settle();
    expect(exchange.events.at(-1)).toBe("end {}");
    expect([harness.idle, harness.closed]).toEqual([0, 1]);
  });

  test("bytes on an idle connection close it", async () => {
    const harness = new EndpointHarness().connect();
    harness.send();
    harness.deliver(ANSWER);
    harness.deliver("HTTP/1.1 408 Request Timeout\r\n\r\n");
    await settle();
    expect([harness.idle, harness.closed]).toEqual([1, 1]);
    const { exchange } = harness.send();
    await settle();
    expect(exchange.events).toEqual(["error upstream-closed unanswered"]);
  });

  test("a response before the whole request spoils the connection", async () => {
    const harness = new EndpointHarness().connect();
    const { stream, exchange } = harness.send({ method: "POST", bodyLength: 100 });
    stream.write(Buffer.from("part"));
    harness.deliver(ANSWER);
    expect(exchange.events.at(-1)).toBe("end {}");
    expect(stream.write(Buffer.from("more"))).toBe(true);
    await settle();
    expect([harness.idle, harness.closed]).toEqual([0, 1]);
  });

  test("a late call on a finished stream touches no later exchange", async () => {
    const harness = new EndpointHarness().connect();
    const first = harness.send();
    harness.deliver(ANSWER);
    const second = harness.send();
    first.stream.abort();
    first.stream.pauseBody();
    harness.deliver(ANSWER);
    expect(second.exchange.events.at(-1)).toBe("end {}");
  });

  test("abort closes without a word", async () => {
    const harness = new EndpointHarness().connect();
    const { stream, exchange } = harness.send();
    stream.abort();
    await settle();
    expect(exchange.events).toEqual([]);
    expect([harness.socket.destroyed, harness.closed]).toEqual([true, 1]);
  });
});

describe("errors", () => {
  test("what dies before a byte of the answer is unanswered, after a byte not", async () => {
    for (const [bytes, verdict] of [
      ["", "unanswered"],
      ["H", "never"],
    ] as const) {
      const harness = new EndpointHarness().connect();
      harness.send();
      harness.deliver(ANSWER);
      const { exchange } = harness.send();
      if (bytes !== "") harness.deliver(bytes);
      harness.socket.hangUp();
      expect(exchange.events).toEqual([`error upstream-closed ${verdict}`]);
    }
  });

  test("an endpoint that falls silent times out, but not while its client is slow", async () => {
    const harness = new EndpointHarness({ upstreamResponseTimeoutMs: 5_000 }).connect();
    const { stream, exchange } = harness.send();
    harness.deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh");
    stream.pauseBody();
    harness.pass(60_000);
    stream.resumeBody();
    harness.pass(4_000);
    expect(exchange.error).toBeUndefined();
    harness.pass(2_000);
    expect(exchange.error?.code).toBe("upstream-timeout");
  });

  test("a connection that is not accepted times out", async () => {
    const harness = new EndpointHarness({}, { connectTimeoutMs: 2_000 });
    const { exchange } = harness.send();
    harness.pass(1_500);
    expect(exchange.error).toBeUndefined();
    harness.pass(1_000);
    expect(exchange.events).toEqual(["error connect-timeout yes"]);
    expect(harness.closed).toBe(1);
  });

  test("a slow endpoint is reported to the writer, and again when it takes bytes", async () => {
    const harness = new EndpointHarness().connect();
    const { stream, exchange } = harness.send({ method: "POST", bodyLength: -1 });
    harness.socket.stuck = true;
    expect(stream.write(Buffer.alloc(200_000))).toBe(false);
    harness.socket.unblock();
    await settle();
    expect(exchange.events).toEqual(["drain"]);
  });
});

describe("the next exchange", () => {
  test("is for another connection once this one has carried as many as it may", () => {
    const harness = new EndpointHarness({}, { maxRequests: 2 }).connect();
    harness.send();
    harness.deliver(ANSWER);
    expect([harness.idle, harness.closed]).toEqual([1, 0]);
    const { exchange } = harness.send();
    harness.deliver(ANSWER);
    expect(exchange.events.at(-1)).toBe("end {}");
    expect([harness.idle, harness.closed, harness.socket.destroyed]).toEqual([1, 1, true]);
  });

  test.each([
    ["timeout=5", 5000],
    ["timeout=5, max=100", 5000],
    ["max=100, timeout=15", 15_000],
    ["timeout=0", 0],
    ["max=100", undefined],
    ["timeout=soon", undefined],
  ])("is begun as long as the endpoint keeps the connection: %s", (value, keptMs) => {
    const harness = new EndpointHarness().connect();
    const { exchange } = harness.send();
    harness.deliver(ANSWER.replace("\r\n", `\r\nKeep-Alive: ${value}\r\n`));
    expect([harness.idle, harness.keptMs]).toEqual([1, keptMs]);
    // It is about this connection alone.
    expect(exchange.events[0]).not.toContain("Keep-Alive");
  });
});

describe("upgrades", () => {
  const SWITCH =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n";

  test("the request asks, and bytes behind the 101 belong to the tunnel", async () => {
    const harness = new EndpointHarness().connect();
    const { exchange } = harness.send({ upgrade: "websocket" });
    await settle();
    expect(harness.socket.sent).toContain("connection: upgrade\r\nupgrade: websocket\r\n\r\n");
    harness.deliver(`${SWITCH}early`);
    expect(exchange.events).toEqual(["upgrade 101 Switching Protocols {X-A|1}"]);
    // A tunnel is one of the connections that a backend may have, until it closes.
    expect(harness.closed).toBe(0);
    let received = "";
    (exchange.tunnel as NonNullable<typeof exchange.tunnel>).handlers = {
      onData: (chunk) => {
        received += Buffer.from(chunk).toString("latin1");
      },
      onDrain: () => {},
      onEnd: () => {},
      onClose: () => {},
    };
    await settle();
    harness.deliver(" late");
    expect(received).toBe("early late");
    exchange.tunnel?.destroy();
    await settle();
    expect(harness.closed).toBe(1);
  });

  test("another answer than 101 is an answer", async () => {
    const harness = new EndpointHarness().connect();
    const { exchange } = harness.send({ upgrade: "websocket" });
    harness.deliver(ANSWER);
    expect(exchange.events.at(-1)).toBe("end {}");
  });

  test("a 101 for another protocol is an error", async () => {
    const harness = new EndpointHarness().connect();
    const { exchange } = harness.send({ upgrade: "websocket" });
    harness.deliver(SWITCH.replace("websocket", "h2c"));
    expect(exchange.events).toEqual(["error upstream-protocol never"]);
  });
});

describe("over real sockets", () => {
  function listen(answer: string, close: boolean): Promise<{ server: Server; endpoint: Endpoint }> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => (close ? socket.end(answer, "latin1") : socket.write(answer, "latin1")));
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as { port: number };
        const address = `127.0.0.1:${port}`;
        resolve({ server, endpoint: { address, host: "127.0.0.1", port, weight: 1, health: "healthy" } });
      });
    });
  }

  async function ask(endpoint: Endpoint): Promise<RecordedExchange> {
    const connect = http1Connector(DEFAULT_DATAPLANE_OPTIONS, new DeadlineSweep(SYSTEM_CLOCK));
    return new Promise((resolve) => {
      const exchange = new RecordedExchange();
      const closed = () => resolve(exchange);
      const connection = connect(
        endpoint,
        { onIdle: () => connection.close(), onClosed: closed },
        plainWay(1000),
      );
      const head = new PlainRequestHead("GET", "a", "/", []);
      connection.send({ head, path: "/", bodyLength: 0, upgrade: undefined }, exchange);
    });
  }

  test("a response that the end of the connection ends", async () => {
    const body = "x".repeat(200_000);
    const { server, endpoint } = await listen(`HTTP/1.1 200 OK\r\n\r\n${body}`, true);
    const { events } = await ask(endpoint);
    expect(events).toEqual(["head 200 OK {} -1", `data ${body}`, "end {}"]);
    server.close();
  });

  test("a response of known length", async () => {
    const { server, endpoint } = await listen(ANSWER, false);
    expect((await ask(endpoint)).events.slice(1)).toEqual(["data hi", "end {}"]);
    server.close();
  });

  test("a response that is cut short", async () => {
    const { server, endpoint } = await listen("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", true);
    expect((await ask(endpoint)).events.slice(1)).toEqual(["data hi", "error upstream-closed never"]);
    server.close();
  });

  test("a refused connection may be tried elsewhere", async () => {
    const { server, endpoint } = await listen("", true);
    await new Promise((resolve) => server.close(resolve));
    expect((await ask(endpoint)).events).toEqual(["error connect-failed yes"]);
  });
});
