// Tests of the pool: which connection is used again, and when one is closed.
import { afterEach, beforeEach, expect, test } from "vitest";
import { backend, endpoint } from "../../test/support/snapshots.ts";
import { BackendCounters } from "./traffic.ts";
import type { UpstreamConnection, UpstreamConnectionOwner } from "./upstream-connection.ts";
import { UpstreamPool } from "./upstream-pool.ts";

const one = endpoint("10.0.0.1:80");
const two = endpoint("10.0.0.2:80");
const BACKEND = backend("shop", [one, two]);

class FakeConnection implements UpstreamConnection {
  closed = false;
  readonly #owner: UpstreamConnectionOwner;

  constructor(owner: UpstreamConnectionOwner) {
    this.#owner = owner;
  }

  send(): never {
    throw new Error("the pool sends nothing");
  }

  close(): void {
    this.closed = true;
    this.#owner.onClosed(this);
  }

  becomeIdle(): void {
    this.#owner.onIdle(this);
  }
}

let nowMs: number;
let pool: UpstreamPool;

const take = (from = one, fresh = false) => pool.acquire(BACKEND, from, undefined, fresh) as FakeConnection;

beforeEach(() => {
  nowMs = 0;
  pool = new UpstreamPool({
    connect: (_, owner) => new FakeConnection(owner),
    counters: () => new BackendCounters(),
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
  const after = take();
  before.becomeIdle();
  after.becomeIdle();
  expect([before.closed, after.closed]).toEqual([true, false]);
  expect(take()).toBe(after);
});
