// Tests of the pool: which connection is used again, and when one is closed.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeConnection } from "../../test/support/fake-connection.ts";
import { backend, endpoint } from "../../test/support/snapshots.ts";
import type { Backend, BackendTls, Certificate } from "../model/index.ts";
import type { ConnectionInfo } from "./stream.ts";
import { BackendCounters } from "./traffic.ts";
import { UpstreamPool } from "./upstream-pool.ts";

const one = endpoint("10.0.0.1:80");
const two = endpoint("10.0.0.2:80");
const BACKEND = backend("shop", [one, two]);

let nowMs: number;
let pool: UpstreamPool;
let counters: BackendCounters;
let told: string[];

const take = (from = one, fresh = false) => pool.acquire(BACKEND, from, undefined, fresh) as FakeConnection;
const takeOf = (of: Backend, certificate?: Certificate, client?: ConnectionInfo) =>
  pool.acquire(of, one, certificate, false, client) as FakeConnection;

beforeEach(() => {
  nowMs = 0;
  counters = new BackendCounters();
  told = [];
  pool = new UpstreamPool({
    connect: (to, owner, way) => new FakeConnection(owner, to, way),
    counters: () => counters,
    onTlsFailure: ({ endpoint, cause }) => told.push(`${endpoint} ${cause}`),
    sweep: { add: () => {}, delete: () => {} },
    connectTimeoutMs: 5000,
    maxWaitMs: 60_000,
    workers: 1,
    maxIdlePerEndpoint: 2,
    idleTimeoutMs: 4000,
    monotonicMs: () => nowMs,
  });
});

afterEach(() => pool.close());

test("the connection that became idle last is used first", () => {
  const [a, b] = [take(), take()];
  a.becomeIdle();
  b.becomeIdle();
  expect(pool.idle).toBe(2);
  expect(take()).toBe(b);
  expect(take()).toBe(a);
  expect(pool.idle).toBe(0);
});

test("connections of one endpoint are not another's", () => {
  const a = take(one);
  a.becomeIdle();
  expect(take(two)).not.toBe(a);
});

test("a fresh one is made where the caller asks for it", () => {
  const a = take();
  a.becomeIdle();
  expect(take(one, true)).not.toBe(a);
  expect(take()).toBe(a);
});

test("no more than the limit wait, once they were not needed for a while", () => {
  const all = [take(), take(), take(), take()];
  for (const connection of all) connection.becomeIdle();
  pool.sweep();
  expect(all.map(({ closed }) => closed)).toEqual([false, false, false, false]);
  const last = take();
  last.becomeIdle();
  pool.sweep();
  expect(all.map(({ closed }) => closed)).toEqual([true, true, false, false]);
  pool.sweep();
  expect(pool.idle).toBe(2);
});

test("a burst that needs more than the limit again and again connects only once", () => {
  const all = [take(), take(), take(), take()];
  for (let round = 0; round < 3; round += 1) {
    for (const connection of all) connection.becomeIdle();
    pool.sweep();
    expect(all.map(() => take()).every((connection) => all.includes(connection))).toBe(true);
  }
});

test("a connection that closes while it waits is not handed out", () => {
  const [a, b] = [take(), take()];
  a.becomeIdle();
  b.becomeIdle();
  b.close();
  expect(take()).toBe(a);
});

test("what waited too long is closed, what was used since is not", () => {
  const [a, b] = [take(), take()];
  a.becomeIdle();
  nowMs = 2000;
  pool.sweep();
  b.becomeIdle();
  nowMs = 4000;
  pool.sweep();
  expect([a.closed, b.closed]).toEqual([true, false]);
  nowMs = 6000;
  pool.sweep();
  expect(b.closed).toBe(true);
  expect(pool.idle).toBe(0);
});

test("connections of endpoints that left are closed, busy ones after their exchange", () => {
  const [idle, busy, other] = [take(), take(), take(two)];
  idle.becomeIdle();
  pool.update(() => ({ ...BACKEND, endpoints: [two] }));
  expect([idle.closed, busy.closed]).toEqual([true, false]);
  busy.becomeIdle();
  expect(busy.closed).toBe(true);
  other.becomeIdle();
  expect(other.closed).toBe(false);
});

test("an endpoint that comes back begins anew", () => {
  const before = take();
  pool.update(() => ({ ...BACKEND, endpoints: [] }));
  pool.update(() => BACKEND);
  const after = take();
  before.becomeIdle();
  after.becomeIdle();
  expect([before.closed, after.closed]).toEqual([true, false]);
  expect(take()).toBe(after);
});

test("who connects to an endpoint that leaves gives up soon, and so does who asks for it still", () => {
  const [opening, other] = [take(), take(two)];
  pool.update(() => ({ ...BACKEND, endpoints: [two] }));
  const late = take();
  expect([opening, late, other].map(({ way }) => way.connectTimeoutMs)).toEqual([250, 250, 5000]);
  late.becomeIdle();
  expect(late.closed).toBe(true);
  pool.update(() => BACKEND);
  expect(take().way.connectTimeoutMs).toBe(5000);
});

test("a connection is left a second before the endpoint would close it", () => {
  const [a, b] = [take(), take()];
  a.becomeIdle(3000);
  b.becomeIdle(3000);
  nowMs = 1900;
  pool.sweep();
  expect([a.closed, b.closed]).toEqual([false, false]);
  nowMs = 2000;
  pool.sweep();
  expect([a.closed, b.closed]).toEqual([true, true]);
});

test("what an endpoint says about its patience makes ours no longer", () => {
  const a = take();
  a.becomeIdle(60_000);
  nowMs = 4000;
  pool.sweep();
  expect(a.closed).toBe(true);
});

describe("backends that are spoken to in their own way", () => {
  const TLS: BackendTls = { serverName: "shop.example", subjectAltNames: [], trust: "system" };
  const SECURE = { ...BACKEND, tls: TLS };
  const certificate = (chain: string): Certificate => ({ id: "Secret/default/c", chain, privateKey: "k" });
  const client = (peerAddress: string): ConnectionInfo => ({
    peerAddress,
    peerIp: "192.0.2.7",
    localAddress: "198.51.100.1:80",
    localPort: 80,
    tls: false,
  });

  test("timeouts and the number of requests are the backend's", () => {
    const { way } = takeOf({ ...BACKEND, connectTimeoutMs: 7, limits: { maxRequestsPerConnection: 3 } });
    expect([way.connectTimeoutMs, way.maxRequests, way.tls, way.preface]).toEqual([
      7,
      3,
      undefined,
      undefined,
    ]);
  });

  test("an idle timeout of the backend's own", () => {
    const a = takeOf({ ...BACKEND, idleTimeoutMs: 1000 });
    a.becomeIdle();
    nowMs = 1000;
    pool.sweep();
    expect(a.closed).toBe(true);
  });

  test("connections to one address are not shared by backends", () => {
    const a = takeOf(BACKEND);
    a.becomeIdle();
    expect(takeOf(backend("cart", [one]))).not.toBe(a);
    expect(takeOf(BACKEND)).toBe(a);
  });

  test("a snapshot that says the same of a backend changes nothing", () => {
    const a = takeOf(SECURE);
    a.becomeIdle();
    pool.update(() => structuredClone(SECURE));
    expect(takeOf(SECURE)).toBe(a);
  });

  test("other TLS settings mean other connections, for requests that began before too", () => {
    const [idle, busy] = [takeOf(SECURE), takeOf(SECURE)];
    idle.becomeIdle();
    pool.update(() => ({ ...SECURE, tls: { ...TLS, serverName: "new.example" } }));
    expect([idle.closed, busy.closed]).toEqual([true, false]);
    expect(takeOf(SECURE).way.tls?.serverName).toBe("new.example");
    busy.becomeIdle();
    expect(busy.closed).toBe(true);
  });

  test("a connection is of use where its certificate would be shown", () => {
    const a = takeOf(SECURE, certificate("a"));
    a.becomeIdle();
    expect(takeOf(SECURE, certificate("b"))).not.toBe(a);
    expect(takeOf(SECURE)).not.toBe(a);
    expect(takeOf(SECURE, certificate("a"))).toBe(a);
  });

  test("the certificate of the listener is nothing to a backend that has its own, or speaks plain TCP", () => {
    const own = { ...SECURE, tls: { ...TLS, clientCertificate: certificate("own") } };
    for (const of of [own, backend("cart", [one])]) {
      const a = takeOf(of, certificate("a"));
      a.becomeIdle();
      expect(takeOf(of, certificate("b"))).toBe(a);
    }
  });

  test("a connection behind a PROXY header serves the client that it names", () => {
    const PROXIED: Backend = { ...BACKEND, proxyProtocol: "v1" };
    const a = takeOf(PROXIED, undefined, client("192.0.2.7:1"));
    expect(a.way.preface?.toString()).toBe("PROXY TCP4 192.0.2.7 198.51.100.1 1 80\r\n");
    a.becomeIdle();
    expect(takeOf(PROXIED, undefined, client("192.0.2.7:2"))).not.toBe(a);
    expect(takeOf(PROXIED, undefined, client("192.0.2.7:1"))).toBe(a);
    expect(takeOf(PROXIED).way.preface?.toString()).toBe("PROXY UNKNOWN\r\n");
  });

  test("a TLS session outlives its connections for a while", () => {
    const a = takeOf(SECURE);
    a.way.tlsSession = Buffer.from("ticket");
    a.close();
    nowMs = 30_000;
    pool.sweep();
    const b = takeOf(SECURE);
    expect(b.way.tlsSession?.toString()).toBe("ticket");
    b.close();
    nowMs = 60_000;
    pool.sweep();
    nowMs = 120_001;
    pool.sweep();
    expect(takeOf(SECURE).way.tlsSession).toBeUndefined();
  });
});

test("why TLS fails is told once a minute for each endpoint", () => {
  for (const time of [0, 30_000, 60_000]) {
    nowMs = time;
    pool.sweep();
    for (const to of [one, two]) {
      const kept = take(to);
      take(to, true).fail("upstream-tls", `at ${time}`);
      take(to, true).fail("connect-failed", "elsewhere");
      kept.becomeIdle();
    }
  }
  expect(told).toEqual([
    "10.0.0.1:80 at 0",
    "10.0.0.2:80 at 0",
    "10.0.0.1:80 at 60000",
    "10.0.0.2:80 at 60000",
  ]);
});

test("counts what is open", () => {
  const [a, b] = [take(), take(two)];
  a.becomeIdle();
  take();
  b.close();
  take(two).fail("connect-failed");
  const samples = pool.samples().map(({ labels, value }) => [...Object.values(labels), value].join(" "));
  expect(samples).toEqual([
    "Service/default/shop busy 1",
    "Service/default/shop idle 0",
    "Service/default/shop 0",
  ]);
  expect([counters.connects, counters.reuses, counters.connectFailures["connect-failed"]]).toEqual([3, 1, 1]);
});
