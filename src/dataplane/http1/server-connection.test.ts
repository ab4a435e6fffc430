// How a client's connection behaves: order, keep-alive, bodies both ways, early ends, timeouts, drain, tunnels.
import { describe, expect, test } from "vitest";
import { settle } from "../../../test/support/memory-socket.ts";
import { ServerHarness } from "../../../test/support/server-harness.ts";
import { PlainResponseHead } from "../plain-head.ts";
import { ProxyError } from "../proxy-error.ts";
import type { Tunnel } from "../stream.ts";

const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const POST_5 = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
const DATE = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
const MINUTE = 60_000;

function ok(fields: string[] = [], status = 200): PlainResponseHead {
  return new PlainResponseHead(status, "OK", fields);
}

async function manual(bytes: string): Promise<ServerHarness> {
  const harness = new ServerHarness({ autoAnswer: false });
  harness.socket.deliver(bytes);
  await settle();
  return harness;
}

async function automatic(bytes: string): Promise<ServerHarness> {
  const harness = new ServerHarness();
  harness.socket.deliver(bytes);
  await settle();
  return harness;
}

describe("responses", () => {
  test("a head and a small body go out in one write", async () => {
    const harness = new ServerHarness();
    harness.socket.deliver(GET);
    await settle();
    expect(harness.socket.sent).toBe(`HTTP/1.1 200 OK\r\ncontent-length: 3\r\n${DATE}\r\n/a `);
    expect(harness.socket.writes).toBe(1);
  });

  test("a body of unknown length is chunked, with its trailers", async () => {
    const { last, socket } = await manual(GET);
    last.stream.respond(ok(), -1);
    last.stream.write(Buffer.from("hello"));
    last.stream.end(["x-sum", "1"]);
    await settle();
    expect(socket.sent).toBe(
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${DATE}\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n`,
    );
  });

  test("an HTTP/1.0 client gets no chunks and no interim response, but the end of the connection", async () => {
    const { last, socket } = await manual("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    last.stream.inform(ok([], 103));
    last.stream.respond(ok(), -1);
    last.stream.write(Buffer.from("hello"));
    last.stream.end(["x-sum", "1"]);
    await settle();
    expect(socket.sent).toBe(`HTTP/1.1 200 OK\r\n${DATE}connection: close\r\n\r\nhello`);
    expect(socket.writableEnded).toBe(true);
  });

  test("an HTTP/1.0 client keeps its connection when it asks for that", async () => {
    const { last, socket } = await manual("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    last.answer("hi");
    await settle();
    expect(socket.sent).toContain("connection: keep-alive\r\n\r\nhi");
    expect(socket.writableEnded).toBe(false);
  });

  test.each([
    ["HEAD", 200, "content-length: 7\r\n"],
    ["GET", 304, "content-length: 7\r\n"],
    ["GET", 204, ""],
  ])("%s with %i has no body, and the next request follows", async (method, status, length) => {
    const harness = await manual(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    harness.last.stream.respond(ok(["content-length", "7"], status), 0);
    harness.last.stream.write(Buffer.from("nothing"));
    harness.last.stream.end([]);
    harness.socket.deliver(GET);
    await settle();
    expect(harness.socket.sent).toBe(`HTTP/1.1 ${status} OK\r\n${length}${DATE}\r\n`);
    expect(harness.requests).toHaveLength(2);
  });

  test("a body shorter than announced ends the connection, so that the client notices", async () => {
    const { last, socket } = await manual(GET);
    last.stream.respond(ok(), 5);
    last.stream.write(Buffer.from("hel"));
    last.stream.end([]);
    await settle();
    expect(socket.sent).toMatch(/\r\n\r\nhel$/);
    expect(socket.destroyed).toBe(true);
  });

  test("a chunked body that is given up has no last chunk", async () => {
    const { last, socket } = await manual(GET);
    last.stream.respond(ok(), -1);
    last.stream.write(Buffer.from("hel"));
    last.stream.abort(new ProxyError("upstream-closed", "upstream", "gone"));
    await settle();
    expect(socket.sent).toMatch(/3\r\nhel\r\n$/);
    expect(socket.destroyed).toBe(true);
  });

  test("a body that only the connection ends is given up with a reset", async () => {
    const { last, socket } = await manual("GET / HTTP/1.0\r\n\r\n");
    last.stream.respond(ok(), -1);
    last.stream.write(Buffer.from("hel"));
    last.stream.abort(new ProxyError("upstream-closed", "upstream", "gone"));
    expect(socket.wasReset).toBe(true);
  });

  test("a slow client is reported to the writer, and again when it takes bytes", async () => {
    const { last, socket } = await manual(GET);
    socket.stuck = true;
    last.stream.respond(ok(), -1);
    expect(last.stream.write(Buffer.alloc(200_000))).toBe(false);
    expect(last.drains).toBe(0);
    socket.unblock();
    await settle();
    expect(last.drains).toBe(1);
  });

  test("no edit can write framing fields, a second line or bytes that are no latin1", async () => {
    const { last, socket } = await manual(GET);
    const head = ok(["bad name", "x", "x-ok", "a\r\nb: c"]);
    head.edits.set("content-length", "99");
    head.edits.set("transfer-encoding", "chunked");
    head.edits.set("x-wide", "\u010a\u010d");
    last.stream.respond(head, 2);
    last.stream.write(Buffer.from("hi"));
    last.stream.end([]);
    await settle();
    expect(socket.sent).toBe(
      `HTTP/1.1 200 OK\r\nx-ok: a  b: c\r\nx-wide:   \r\ncontent-length: 2\r\n${DATE}\r\nhi`,
    );
  });
});

describe("request bodies", () => {
  test("nothing is pushed before the pipeline asks for it", async () => {
    const { last } = await manual(`${POST_5}hello`);
    expect(last.body).toBe("");
    last.stream.resumeBody();
    expect(last.body).toBe("hello");
    expect(last.trailers).toEqual([]);
    expect(last.stream.bytesIn).toBe(5);
  });

  test("a paused body waits, and the socket with it", async () => {
    const { last, socket } = await manual(POST_5);
    last.stream.resumeBody();
    socket.deliver("he");
    last.stream.pauseBody();
    socket.deliver("llo");
    expect(last.body).toBe("he");
    expect(socket.isPaused()).toBe(true);
    last.stream.resumeBody();
    expect(last.body).toBe("hello");
    expect(socket.isPaused()).toBe(false);
  });

  test("100 is sent when the pipeline wants the body, once", async () => {
    const expecting = POST_5.replace("Host", "Expect: 100-Continue\r\nHost");
    const { last, socket } = await manual(expecting);
    expect(last.stream.expectContinue).toBe(true);
    expect(socket.sent).toBe("");
    last.stream.resumeBody();
    last.stream.pauseBody();
    last.stream.resumeBody();
    await settle();
    expect(socket.sent).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.deliver("hello");
    last.answer("done");
    await settle();
    expect(socket.sent).toMatch(/done$/);
    expect(socket.sent).not.toContain("connection: close");
  });

  test("an answer instead of a 100 closes the connection: the body may come or not", async () => {
    const { last, socket } = await manual(POST_5.replace("Host", "Expect: 100-continue\r\nHost"));
    last.answer("no", 403);
    await settle();
    expect(socket.sent).toContain("connection: close");
    expect(socket.writableEnded).toBe(true);
  });

  test("after an early answer a short rest is read and dropped, and the connection goes on", async () => {
    const harness = await manual(`${POST_5}he`);
    harness.last.answer("early");
    harness.socket.deliver(`llo${GET}`);
    await settle();
    expect(harness.requests.map(({ stream }) => stream.head.path)).toEqual(["/b", "/a"]);
    expect(harness.requests[0]?.aborted).toBeUndefined();
  });

  test("after an early answer to a long body the connection listens on for a while, then closes", async () => {
    const harness = await manual("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nhe");
    harness.last.answer("early");
    await settle();
    expect(harness.socket.writableEnded).toBe(true);
    harness.socket.deliver("llo");
    expect(harness.socket.destroyed).toBe(false);
    harness.pass(3_000);
    expect(harness.socket.destroyed).toBe(true);
  });

  test("a malformed body is answered by the codec, and the pipeline is told", async () => {
    const { last, socket } = await manual(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    );
    last.stream.resumeBody();
    await settle();
    expect(socket.sent).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(last.aborted).toMatchObject({ code: "bad-request", side: "downstream" });
    last.answer("too late");
    await settle();
    expect(socket.sent).not.toContain("too late");
  });
});

describe("order", () => {
  test("the next request is not begun before the answer to the one before", async () => {
    const harness = await manual(GET + GET.replace("/a", "/second"));
    expect(harness.requests).toHaveLength(1);
    harness.last.answer("first");
    await settle();
    expect(harness.requests).toHaveLength(2);
    harness.last.answer("second");
    await settle();
    expect(harness.socket.sent).toMatch(/first.*second$/s);
  });

  test("2,000 pipelined requests are answered in turns, with bounded depth", async () => {
    const harness = new ServerHarness();
    harness.socket.deliver(GET.repeat(2_000));
    await settle();
    expect(harness.requests.length).toBeLessThan(100);
    while (harness.requests.length < 2_000) await settle();
    await settle();
    expect(harness.statuses).toHaveLength(2_000);
  });

  test("a request after a refused one is never read", async () => {
    const harness = await manual(`GET / HTTP/1.1\r\nHost : a\r\n\r\n${GET}`);
    expect(harness.requests).toHaveLength(0);
    expect(harness.rejected).toEqual([{ code: "bad-request", status: 400 }]);
  });

  test("connection: close is honoured, and what follows is never read", async () => {
    const harness = new ServerHarness();
    harness.socket.deliver(GET.replace("Host", "Connection: close\r\nHost") + GET);
    await settle();
    expect(harness.requests).toHaveLength(1);
    expect(harness.socket.sent).toContain("connection: close");
    expect(harness.socket.writableEnded).toBe(true);
  });

  test("a late call on a finished stream touches no later request", async () => {
    const harness = await manual(GET);
    const first = harness.last;
    first.answer("one");
    harness.socket.deliver(GET);
    await settle();
    first.stream.write(Buffer.from("stray"));
    first.stream.abort(new ProxyError("upstream-closed", "upstream", "late"));
    harness.last.answer("two");
    await settle();
    expect(harness.socket.sent).not.toContain("stray");
    expect(harness.socket.sent).toMatch(/two$/);
  });
});

describe("the end of a connection", () => {
  test("a client that ends its side behind its requests gets the answers, and then the end", async () => {
    const harness = await manual(GET + GET.replace("/a", "/second"));
    harness.socket.hangUp();
    harness.last.answer("first");
    await settle();
    expect(harness.socket.sent).not.toContain("connection: close");
    harness.last.answer("second");
    await settle();
    expect(harness.socket.sent).toMatch(/first.*connection: close\r\n\r\nsecond$/s);
    expect(harness.socket.destroyed).toBe(true);
  });

  test("a client that ends its side before its body is whole has left", async () => {
    const { last, socket } = await manual(`${POST_5}he`);
    last.stream.resumeBody();
    socket.hangUp();
    expect(last.aborted).toMatchObject({ code: "client-closed" });
    expect(socket.destroyed).toBe(true);
  });

  test("a client that has ended its side waits long for an answer, but has left if that stops half-way", async () => {
    const harness = await manual(GET);
    harness.socket.hangUp();
    harness.pass(MINUTE);
    harness.last.stream.respond(ok(), -1);
    for (const part of ["a", "b"]) {
      harness.last.stream.write(Buffer.from(part));
      await settle();
      harness.pass(14_000);
    }
    expect(harness.last.aborted).toBeUndefined();
    harness.pass(16_000);
    harness.pass(16_000);
    expect(harness.last.aborted).toMatchObject({ code: "client-closed" });
  });

  test("a client that takes no answer gets no further ones, however many requests it sends", async () => {
    const harness = new ServerHarness();
    harness.socket.stuck = true;
    for (let sent = 0; sent < 1_000; sent += 1) {
      harness.socket.deliver(GET.replace("/a", `/${"x".repeat(4_000)}`));
      await settle();
    }
    expect(harness.requests.length).toBeLessThan(20);
    harness.socket.unblock();
    while (harness.requests.length < 1_000) await settle();
    harness.socket.stuck = true;
  });

  test("a client that leaves in the middle of its body aborts the exchange", async () => {
    const { last, socket } = await manual(`${POST_5}he`);
    last.stream.resumeBody();
    socket.destroy();
    await settle();
    expect(last.aborted).toMatchObject({ code: "client-closed" });
  });

  test("drain lets the exchange finish and says so", async () => {
    const harness = await manual(GET);
    harness.server.drain();
    expect(harness.socket.writableEnded).toBe(false);
    harness.last.answer("bye");
    await settle();
    expect(harness.socket.sent).toContain("connection: close");
    expect(harness.socket.writableEnded).toBe(true);
  });

  test("drain closes a connection that has been idle for a second, and the server counts it out", async () => {
    const harness = await manual("");
    expect(harness.server.connections).toBe(1);
    harness.pass(1_300);
    harness.server.drain();
    expect(harness.socket.writableEnded).toBe(true);
    harness.socket.hangUp();
    await settle();
    expect(harness.socket.destroyed).toBe(true);
    expect(harness.server.connections).toBe(0);
  });
});

describe("timeouts", () => {
  test("while draining, a client that was busy a moment ago gets one more answer", async () => {
    const harness = await automatic(GET);
    harness.server.drain();
    expect(harness.socket.writableEnded).toBe(false);
    harness.socket.deliver(GET);
    await settle();
    expect(harness.socket.sent.split("connection: close")).toHaveLength(2);
    expect(harness.socket.writableEnded).toBe(true);
  });

  test("while draining, a client that says nothing more is waited for no longer than a second", async () => {
    const harness = await automatic(GET);
    harness.server.drain();
    harness.pass(900);
    expect(harness.socket.writableEnded).toBe(false);
    harness.pass(400);
    expect(harness.socket.writableEnded).toBe(true);
  });

  test("a head that takes too long is answered with 408", async () => {
    const harness = await manual("GET / HT");
    harness.pass(9_900);
    expect(harness.rejected).toEqual([]);
    harness.socket.deliver("TP/1.1\r\n");
    harness.pass(600);
    await settle();
    expect(harness.statuses).toEqual([408]);
  });

  test("a connection that never says anything is closed without a word", async () => {
    const harness = await manual("");
    harness.pass(10_500);
    expect(harness.socket.writableEnded).toBe(true);
    expect(harness.socket.sent).toBe("");
  });

  test("an idle connection is kept for the idle timeout", async () => {
    const harness = new ServerHarness();
    harness.socket.deliver(GET);
    await settle();
    harness.pass(75_000);
    expect(harness.socket.writableEnded).toBe(false);
    harness.pass(500);
    expect(harness.socket.writableEnded).toBe(true);
  });

  test("an empty line after a request, as old clients send it, leaves the connection idle", async () => {
    const harness = new ServerHarness();
    harness.socket.deliver(`${GET}\r\n`);
    await settle();
    harness.pass(20_000);
    harness.socket.deliver(GET);
    await settle();
    expect(harness.statuses).toEqual([200, 200]);
  });

  test("a body that stops is answered with 408, one that goes on is not", async () => {
    const harness = await manual(POST_5.replace("5", "5000"));
    harness.last.stream.resumeBody();
    harness.pass(MINUTE - 1_000);
    harness.socket.deliver("x".repeat(2_000));
    harness.pass(MINUTE - 1_000);
    expect(harness.last.aborted).toBeUndefined();
    harness.pass(2_000);
    await settle();
    expect(harness.last.aborted).toMatchObject({ code: "request-timeout" });
    expect(harness.statuses).toEqual([408]);
  });

  test("a body that drips is answered with 408, although it never stops", async () => {
    const harness = await manual(POST_5.replace("5", "5000"));
    harness.last.stream.resumeBody();
    for (let second = 0; second < 65; second += 1) {
      harness.pass(1_000);
      harness.socket.deliver("x");
    }
    await settle();
    expect(harness.statuses).toEqual([408]);
  });

  test("a body that the pipeline holds back does not time out", async () => {
    const harness = await manual(`${POST_5}he`);
    harness.pass(10 * MINUTE);
    expect(harness.last.aborted).toBeUndefined();
  });

  test("a client that takes no byte is given up", async () => {
    const harness = await manual(GET);
    harness.socket.stuck = true;
    harness.last.stream.respond(ok(), -1);
    harness.last.stream.write(Buffer.alloc(200_000));
    harness.pass(1_000);
    harness.pass(MINUTE - 1_000);
    expect(harness.last.aborted).toBeUndefined();
    harness.pass(2_000);
    expect(harness.last.aborted).toMatchObject({ code: "write-timeout" });
    expect(harness.socket.destroyed).toBe(true);
  });
});

describe("upgrades", () => {
  const UPGRADE =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n";

  function splice(tunnel: Tunnel): string[] {
    const events: string[] = [];
    tunnel.handlers = {
      onData: (chunk) => events.push(`data ${Buffer.from(chunk).toString("latin1")}`),
      onDrain: () => events.push("drain"),
      onEnd: () => events.push("end"),
      onClose: (error) => events.push(error === undefined ? "close" : `close: ${error}`),
    };
    return events;
  }

  test("bytes behind the head belong to the tunnel", async () => {
    const { last, socket } = await manual(`${UPGRADE}early`);
    expect(last.stream.upgrade).toBe("websocket");
    const tunnel = last.stream.acceptUpgrade(new PlainResponseHead(101, "Switching Protocols", ["x-a", "1"]));
    const events = splice(tunnel);
    tunnel.write(Buffer.from("server"));
    await settle();
    expect(socket.sent).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nx-a: 1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nserver",
    );
    socket.deliver("late");
    socket.hangUp();
    tunnel.end();
    tunnel.destroy();
    await settle();
    expect(events).toEqual(["data early", "data late", "end", "close"]);
  });

  test("a paused tunnel keeps its bytes", async () => {
    const { last, socket } = await manual(UPGRADE);
    const tunnel = last.stream.acceptUpgrade(new PlainResponseHead(101, "Switching Protocols", []));
    const events = splice(tunnel);
    tunnel.pause();
    socket.deliver("held");
    await settle();
    expect(events).toEqual([]);
    tunnel.resume();
    await settle();
    expect(events).toEqual(["data held"]);
  });

  test("a client that takes no byte is given up, and the tunnel is told why", async () => {
    const harness = await manual(UPGRADE);
    const tunnel = harness.last.stream.acceptUpgrade(new PlainResponseHead(101, "Switching Protocols", []));
    const events = splice(tunnel);
    await settle();
    harness.socket.stuck = true;
    tunnel.write(Buffer.alloc(200_000));
    harness.pass(1_000);
    harness.pass(MINUTE + 1_000);
    expect(harness.socket.destroyed).toBe(true);
    await settle();
    expect(events).toEqual(["close: write-timeout"]);
  });

  test.each([
    ["another protocol", UPGRADE.replace("WebSocket", "h2c")],
    ["no Connection: upgrade", UPGRADE.replace(", Upgrade", "")],
    ["a method other than GET", UPGRADE.replace("GET", "POST")],
    ["HTTP/1.0", UPGRADE.replace("HTTP/1.1", "HTTP/1.0")],
  ])("%s: the upgrade is ignored", async (_name, bytes) => {
    const { last } = await manual(bytes);
    expect(last.stream.upgrade).toBeUndefined();
    expect(last.fields.map((text) => text.toLowerCase())).not.toContain("upgrade");
  });
});
