// Tests of circuit breakers: who gets a connection, who waits for one and who is refused.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RecordedExchange } from "../../test/support/endpoint-harness.ts";
import { FakeConnection } from "../../test/support/fake-connection.ts";
import { settle } from "../../test/support/memory-socket.ts";
import { backend, endpoint } from "../../test/support/snapshots.ts";
import type { Backend, BackendLimits } from "../model/index.ts";
import { PlainRequestHead } from "./plain-head.ts";
import type { ClientStream } from "./stream.ts";
import { BackendCounters } from "./traffic.ts";
import { shareOfLimits } from "./upstream-breaker.ts";
import { UpstreamPool } from "./upstream-pool.ts";

const one = endpoint("10.0.0.1:80");
const two = endpoint("10.0.0.2:80");

let nowMs: number;
let limits: BackendLimits;
let counters: BackendCounters;
let connections: FakeConnection[];
let swept: Set<{ sweep(nowMs: number): void; readonly heldBytes?: number }>;
let pool: UpstreamPool;

interface Sent {
  readonly exchange: RecordedExchange;
  readonly stream: ClientStream;
}

function shop(): Backend {
  return backend("shop", [one, two], { limits });
}

/** One request to the endpoint. */
function send(to = one, fresh = false): Sent {
  const exchange = new RecordedExchange();
  const head = new PlainRequestHead("POST", "shop.example", "/", []);
  const connection = pool.acquire(shop(), to, undefined, fresh);
  return {
    exchange,
    stream: connection.send({ head, path: "/", bodyLength: -1, upgrade: undefined }, exchange),
  };
}

/** How many requests each connection has carried so far; closed ones in parentheses. */
function carried(): string[] {
  return connections.map(({ endpoint, requests, closed }) => {
    const text = `${endpoint.host.at(-1)}:${requests.length}`;
    return closed ? `(${text})` : text;
  });
}

beforeEach(() => {
  nowMs = 0;
  limits = {};
  counters = new BackendCounters();
  connections = [];
  swept = new Set();
  pool = new UpstreamPool({
    connect: (to, owner, way) => {
      const connection = new FakeConnection(owner, to, way);
      connections.push(connection);
      return connection;
    },
    counters: () => counters,
    onTlsFailure: () => {},
    sweep: { add: (one) => swept.add(one), delete: (one) => swept.delete(one) },
    connectTimeoutMs: 5000,
    maxIdlePerEndpoint: 10,
    idleTimeoutMs: 4000,
    maxWaitMs: 10_000,
    workers: 1,
    monotonicMs: () => nowMs,
  });
});

afterEach(() => pool.close());

describe("connections", () => {
  beforeEach(() => {
    limits = { maxConnections: 1 };
  });

  test("those beyond the limit wait, and are served in their order", () => {
    const sent = [send(), send(), send()];
    expect(carried()).toEqual(["1:1"]);
    expect(pool.samples().at(-1)?.value).toBe(2);
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["1:2"]);
    expect(sent.map(({ stream }) => stream.reused)).toEqual([false, true, false]);
    connections[0]?.becomeIdle();
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["1:3"]);
    expect([pool.idle, swept.size, counters.limitHits.connections]).toEqual([1, 0, 2]);
  });

  test("a connection that closes makes room for a new one", () => {
    send();
    send();
    connections[0]?.close();
    expect(carried()).toEqual(["(1:1)", "1:1"]);
  });

  test("one that cannot be opened does too", () => {
    send();
    send();
    connections[0]?.fail("connect-failed");
    expect(carried()).toEqual(["(1:1)", "1:1"]);
  });

  test("an idle one gives its place to another endpoint's", () => {
    send(one);
    connections[0]?.becomeIdle();
    send(two);
    expect(carried()).toEqual(["(1:1)", "2:1"]);
    expect(swept.size).toBe(0);
  });

  test("one that becomes idle gives its place to who waits for another endpoint", () => {
    send(one);
    send(two);
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["(1:1)", "2:1"]);
  });

  test("it is rather used for its own endpoint, but who waits longest is not passed over for ever", () => {
    send(one);
    send(two);
    for (let count = 0; count < 30; count += 1) send(one);
    for (let count = 0; count < 17; count += 1) connections[0]?.becomeIdle();
    expect(carried()).toEqual(["(1:17)", "2:1"]);
  });

  test("a fresh one is made in the place of an idle one", () => {
    send();
    connections[0]?.becomeIdle();
    send(one, true);
    expect(carried()).toEqual(["(1:1)", "1:1"]);
  });

  test("who goes away leaves the queue", () => {
    send();
    const [gone, next] = [send(), send()];
    gone.stream.abort();
    connections[0]?.becomeIdle();
    expect(next.stream.reused).toBe(true);
    expect([carried(), swept.size]).toEqual([["1:2"], 0]);
    next.stream.abort();
    expect(connections[0]?.aborted).toBe(true);
  });

  test("who waits for too long is told so", () => {
    send();
    const { exchange } = send();
    for (const time of [9_999, 10_000]) {
      nowMs = time;
      for (const waiting of swept) waiting.sweep(nowMs);
      expect(exchange.events).toEqual(time === 10_000 ? ["error backend-busy never"] : []);
    }
    connections[0]?.becomeIdle();
    expect([carried(), swept.size]).toEqual([["1:1"], 0]);
  });

  test("the body that came meanwhile is kept, and follows", async () => {
    send();
    const { exchange, stream } = send();
    const chunk = Buffer.from("hello ");
    expect(stream.write(chunk)).toBe(false);
    chunk.fill(0);
    expect([...swept][0]?.heldBytes).toBe(6);
    connections[0]?.becomeIdle();
    expect(connections[0]?.body).toBe("hello ");
    await settle();
    expect(exchange.events).toEqual(["drain"]);
    expect(stream.write(Buffer.from("world"))).toBe(true);
    stream.end([]);
    expect([connections[0]?.body, connections[0]?.ended]).toEqual(["hello world", true]);
  });

  test("so is its end", async () => {
    send();
    const { exchange, stream } = send();
    stream.write(Buffer.from("all"));
    stream.end([]);
    connections[0]?.becomeIdle();
    await settle();
    expect([connections[0]?.body, connections[0]?.ended, exchange.events]).toEqual(["all", true, []]);
  });

  test("no more wait than may", async () => {
    limits = { maxConnections: 1, maxPendingRequests: 1 };
    const sent = [send(), send(), send()];
    await settle();
    expect(sent.map(({ exchange }) => exchange.events)).toEqual([[], [], ["error backend-busy never"]]);
    expect(counters.limitHits).toEqual({ connections: 2, pending: 1, requests: 0 });
  });

  test("where nobody may wait, an idle connection of another endpoint still makes room", () => {
    limits = { maxConnections: 1, maxPendingRequests: 0 };
    send(one);
    connections[0]?.becomeIdle();
    send(two);
    expect(carried()).toEqual(["(1:1)", "2:1"]);
  });

  test("a higher limit serves those who wait at once", () => {
    send();
    send();
    send();
    limits = { maxConnections: 2 };
    pool.update(() => shop());
    expect(carried()).toEqual(["1:1", "1:1"]);
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["(1:1)", "1:1", "1:1"]);
  });

  test("those who wait for a backend that is gone are served, on connections that nobody keeps", () => {
    const sent = [send(), send(), send()];
    pool.update(() => undefined);
    for (const connection of [0, 1, 2]) connections[connection]?.becomeIdle();
    expect(carried()).toEqual(["(1:1)", "(1:1)", "(1:1)"]);
    expect(sent.map(({ stream }) => stream.reused)).toEqual([false, false, false]);
    expect(swept.size).toBe(0);
  });

  test("those who wait are served with the settings of the snapshot that came meanwhile", () => {
    send();
    send();
    pool.update(() => ({ ...shop(), connectTimeoutMs: 77 }));
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["(1:1)", "1:1"]);
    expect(connections[1]?.way.connectTimeoutMs).toBe(77);
  });

  test("those who wait outlive what was forgotten meanwhile", () => {
    send(one);
    send(two);
    for (const time of [60_000, 120_001]) {
      nowMs = time;
      pool.sweep();
    }
    connections[0]?.becomeIdle();
    connections[1]?.becomeIdle();
    expect([carried(), pool.idle]).toEqual([["(1:1)", "2:1"], 1]);
    nowMs += 4_000;
    pool.sweep();
    expect(carried()).toEqual(["(1:1)", "(2:1)"]);
  });

  test("those who wait are served even where their backend has left", () => {
    send();
    send();
    pool.update(() => undefined);
    connections[0]?.becomeIdle();
    expect(carried()).toEqual(["(1:1)", "1:1"]);
  });
});

test("requests beyond the limit are refused", async () => {
  limits = { maxRequests: 2 };
  const sent = [send(one), send(two), send(one)];
  await settle();
  expect(sent.map(({ exchange }) => exchange.events)).toEqual([[], [], ["error backend-busy never"]]);
  connections[0]?.becomeIdle();
  send(two);
  expect(carried()).toEqual(["1:1", "2:1", "2:1"]);
  expect(counters.limitHits.requests).toBe(1);
});

test("who was refused and goes away hears nothing", async () => {
  limits = { maxRequests: 0 };
  const { exchange, stream } = send();
  stream.abort();
  await settle();
  expect(exchange.events).toEqual([]);
});

describe("a worker's share", () => {
  test("all together stay within the limit, and none is left without", () => {
    const all = { maxConnections: 10, maxPendingRequests: 3, maxRequests: 100 };
    expect(shareOfLimits(all, 4)).toEqual({ maxConnections: 2, maxPendingRequests: 1, maxRequests: 25 });
  });

  test("none is none, except for the one connection without which waiting is in vain", () => {
    const none = { maxConnections: 0, maxPendingRequests: 0, maxRequests: 0 };
    expect(shareOfLimits(none, 4)).toEqual({ ...none, maxConnections: 1 });
  });

  test("what holds for each connection is not divided", () => {
    expect(shareOfLimits({ maxRequestsPerConnection: 5 }, 4)).toEqual({ maxRequestsPerConnection: 5 });
  });
});
