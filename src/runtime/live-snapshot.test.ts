// What is published, when, and how little of it changes: with names and health that do as the test says.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../../test/support/snapshots.ts";
import type { Verdict } from "../dataplane/health/health-watch.ts";
import type { Backend, Snapshot } from "../model/index.ts";
import { Drains } from "./drains.ts";
import { LiveSnapshot } from "./live-snapshot.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const CHECKED = {
  healthChecks: [
    { check: { kind: "tcp" }, intervalMs: 1000, timeoutMs: 1000, healthyThreshold: 1, unhealthyThreshold: 1 },
  ],
} as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function liveSnapshot(
  over: { publish?: (snapshot: Snapshot) => Promise<void>; settled?: () => Promise<void> } = {},
) {
  const published: Snapshot[] = [];
  const verdicts = new Map<string, Verdict>();
  const addresses = new Map<string, readonly string[]>();
  const watched: string[] = [];
  const retained: string[][] = [];
  const errors: object[] = [];
  const drains = new Drains();
  const settled = over.settled ?? (() => Promise.resolve());
  const live = new LiveSnapshot({
    names: {
      watch: () => {},
      retain: () => {},
      settled,
      addresses: (host) => addresses.get(host) ?? [],
      stop: () => {},
    },
    health: {
      watch: ({ id, endpoints }, keepOthers = false) => {
        watched.push(
          `${id} ${endpoints.map(({ address }) => address).join()}${keepOthers ? " and others" : ""}`,
        );
      },
      retain: (ids) => retained.push([...ids]),
      settled: () => Promise.resolve(),
      verdict: (_backend, address) => verdicts.get(address),
      stop: () => {},
    },
    drains,
    publish: async (snapshot) => {
      await over.publish?.(snapshot);
      published.push(snapshot);
    },
    wallMs: () => Date.now(),
    logger: { error: (details) => errors.push(details) },
  });
  const change = (id: string, address: string, verdict: Verdict | undefined) => {
    if (verdict === undefined) verdicts.delete(address);
    else verdicts.set(address, verdict);
    live.backendChanged(id);
  };
  return { live, published, change, addresses, drains, watched, retained, errors };
}

const plain = backend("plain", [endpoint(A)]);
const checked = backend("checked", [endpoint(A), endpoint(B)], CHECKED);
const configured = snapshotOf({ backends: [plain, checked] });
const healths = (snapshot: Snapshot | undefined, index = 1) =>
  snapshot?.backends[index]?.endpoints.map(({ health }) => health);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("a verdict is published at once, under a version of its own, and leaves everything else the same objects", async () => {
  const { live, published, change } = liveSnapshot();
  await live.serve(configured, 0);
  await pass(1000);
  change(checked.id, B, "failed");
  await pass(0);
  const [before, after] = published;
  expect(healths(before)).toEqual(["unknown", "unknown"]);
  expect(healths(after)).toEqual(["unknown", "unhealthy"]);
  expect([before?.version, after?.version]).toEqual([1, 2]);
  expect(after?.backends[0]).toBe(plain);
  expect(after?.routes).toBe(configured.routes);
  expect(live.current).toBe(after);
  live.stop();
});

test("changes that come close together are published together, at most every 50 ms", async () => {
  const { live, published, change } = liveSnapshot();
  await live.serve(configured, 0);
  await pass(1000);
  for (let i = 0; i < 100; i++) {
    change(checked.id, A, i % 2 === 0 ? "failed" : undefined);
    await pass(5);
  }
  await pass(100);
  expect(published.length).toBeGreaterThan(5);
  expect(published.length).toBeLessThan(1 + 500 / 50 + 2);
  expect(healths(published.at(-1))).toEqual(["unknown", "unknown"]);
  live.stop();
});

test("a publication that takes long is followed by a longer pause", async () => {
  const { live, published, change } = liveSnapshot({
    publish: () => new Promise((resolve) => setTimeout(resolve, 100)),
  });
  void live.serve(configured, 0);
  await pass(1000);
  for (let i = 0; i < 20; i++) {
    change(checked.id, A, i % 2 === 0 ? "failed" : undefined);
    await pass(100);
  }
  expect(published.length).toBeLessThanOrEqual(1 + 2000 / 500 + 1);
  expect(published.length).toBeGreaterThan(3);
  live.stop();
});

test("what comes to the same is not published", async () => {
  const { live, published, change } = liveSnapshot();
  change(checked.id, A, "pending");
  await live.serve(configured, 0);
  await pass(1000);
  change(checked.id, A, "failed");
  await pass(100);
  expect(published).toHaveLength(1);
  live.stop();
});

test("a configuration that the workers refuse leaves the one before, with verdicts that go on", async () => {
  let refuses = false;
  const { live, published, change, retained } = liveSnapshot({
    publish: async () => {
      if (refuses) throw new Error("defect");
    },
  });
  await live.serve(configured, 0);
  refuses = true;
  const other = backend("other", [endpoint(A)], CHECKED);
  await expect(live.serve(snapshotOf({ backends: [plain, other] }), 0)).rejects.toThrow("defect");
  expect(retained.at(-1)).toEqual([checked.id]);
  refuses = false;
  change(checked.id, B, "ejected");
  await pass(100);
  expect(healths(published.at(-1))).toEqual(["unknown", "unhealthy"]);
  live.stop();
});

test("a publication that fails is told of, and the next one goes on", async () => {
  let refuses = false;
  const { live, published, change, errors } = liveSnapshot({
    publish: async () => {
      if (refuses) throw new Error("defect");
    },
  });
  await live.serve(configured, 0);
  refuses = true;
  change(checked.id, B, "failed");
  await pass(100);
  expect(errors).toHaveLength(1);
  refuses = false;
  change(checked.id, A, "failed");
  await pass(100);
  expect(healths(published.at(-1))).toEqual(["unhealthy", "unhealthy"]);
  live.stop();
});

test("a verdict that the workers refuse is published again, by itself, and less and less often", async () => {
  let refusals = 4;
  const { live, published, change, errors } = liveSnapshot({
    publish: async () => {
      if (published.length > 0 && refusals-- > 0) throw new Error("defect");
    },
  });
  await live.serve(configured, 0);
  change(checked.id, B, "failed");
  await pass(14_000);
  expect(errors).toHaveLength(4);
  expect(published).toHaveLength(1);
  await pass(2_000);
  expect(healths(published.at(-1))).toEqual(["unknown", "unhealthy"]);
  await pass(120_000);
  expect(published).toHaveLength(2);
  live.stop();
});

test("an operator's word that the workers refuse is told to the operator, and is published later all the same", async () => {
  let refuses = false;
  const { live, published, drains } = liveSnapshot({
    publish: async () => {
      if (refuses) throw new Error("defect");
    },
  });
  await live.serve(configured, 0);
  drains.order([endpoint(B)], Date.now());
  refuses = true;
  await expect(live.drainsChanged()).rejects.toThrow("defect");
  refuses = false;
  await pass(2_000);
  expect(healths(published.at(-1))).toEqual(["unknown", "draining"]);
  live.stop();
});

test("a configuration that comes as everything stops is neither watched nor published", async () => {
  let settle = () => {};
  const { live, published, watched } = liveSnapshot({
    settled: () => new Promise((resolve) => (settle = resolve)),
  });
  const served = live.serve(configured, 1_000);
  await pass(10);
  live.stop();
  settle();
  await served;
  await live.serve(configured, 0);
  expect([watched, published]).toEqual([[], []]);
  expect(vi.getTimerCount()).toBe(0);
});

test("new endpoints are watched beside the old ones until the workers serve them", async () => {
  const { live, watched, retained } = liveSnapshot();
  await live.serve(configured, 0);
  watched.length = 0;
  const moved: Backend = { ...checked, endpoints: [endpoint(B)] };
  await live.serve(snapshotOf({ backends: [moved] }), 0);
  expect(watched).toEqual([`${checked.id} ${B} and others`, `${checked.id} ${B}`]);
  expect(retained.at(-1)).toEqual([checked.id]);
  live.stop();
});

test("the addresses of a name become endpoints, also when they change", async () => {
  const { live, published, addresses, watched } = liveSnapshot();
  const named = backend("named", [], { ...CHECKED, names: [{ host: "carts.example", port: 80, weight: 1 }] });
  addresses.set("carts.example", ["10.0.0.1"]);
  await live.serve(snapshotOf({ backends: [named] }), 0);
  addresses.set("carts.example", ["10.0.0.2"]);
  live.hostChanged("carts.example");
  await pass(100);
  const served = published.map(({ backends }) => backends[0]?.endpoints.map(({ address }) => address));
  expect(served).toEqual([[A], [B]]);
  expect(watched.at(-1)).toBe(`${named.id} ${B}`);
  live.stop();
});

test("a name that changes while a configuration is on its way is not missed", async () => {
  const named = backend("named", [], { names: [{ host: "carts.example", port: 80, weight: 1 }] });
  let finish = () => {};
  const { live, published, addresses } = liveSnapshot({
    publish: () => new Promise((resolve) => (finish = resolve)),
  });
  const served = live.serve(snapshotOf({ backends: [named] }), 0);
  await pass(10);
  addresses.set("carts.example", ["10.0.0.2"]);
  live.hostChanged("carts.example");
  await pass(100);
  finish();
  await served;
  await pass(100);
  finish();
  await pass(0);
  expect(published.at(-1)?.backends[0]?.endpoints.map(({ address }) => address)).toEqual([B]);
  live.stop();
});

test("slow start is written down while it lasts", async () => {
  const { live, published, change } = liveSnapshot();
  const slowStart = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };
  const slow = backend("slow", [endpoint(A), endpoint(B)], { ...CHECKED, slowStart });
  await live.serve(snapshotOf({ backends: [slow] }), 0);
  change(slow.id, B, "failed");
  await pass(100);
  change(slow.id, B, undefined);
  await pass(100);
  const since = () =>
    published.at(-1)?.backends[0]?.endpoints.map(({ slowStartSinceMs }) => slowStartSinceMs);
  expect(since()).toEqual([undefined, expect.any(Number)]);
  const count = published.length;
  await pass(9_000);
  expect(published).toHaveLength(count);
  await pass(1_100);
  expect(since()).toEqual([undefined, undefined]);
  live.stop();
});

test("an endpoint that sessions could lead to arrives for 2 s, so that every replica knows it before one begins there", async () => {
  const { live, published } = liveSnapshot();
  const having = (...addresses: string[]) => {
    const backends = ["sticky", "plain"].map((name) =>
      backend(
        name,
        addresses.map((address) => endpoint(address)),
      ),
    );
    const [sticky, other] = backends as [Backend, Backend];
    const rules = [forwardRule([sticky], { session: cookieSession("home") }), forwardRule([other])];
    return snapshotOf({ backends, rules });
  };
  const arriving = () =>
    published
      .at(-1)
      ?.backends.map(({ endpoints }) => endpoints.map(({ arrivingSinceMs }) => arrivingSinceMs));
  await live.serve(having(A), 0);
  expect(arriving()).toEqual([[undefined], [undefined]]);
  await pass(1_000);
  const sinceMs = Date.now();
  await live.serve(having(A, B), 0);
  expect(arriving()).toEqual([
    [undefined, sinceMs],
    [undefined, undefined],
  ]);
  await pass(1_900);
  expect(published).toHaveLength(2);
  await pass(200);
  expect(arriving()).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  live.stop();
});

test("endpoints are counted by health", async () => {
  const { live, change } = liveSnapshot();
  change(checked.id, B, "failed");
  await live.serve(configured, 0);
  expect(live.samples()).toEqual([
    { name: "limpet_endpoints", labels: { backend: plain.id, health: "unknown" }, value: 1 },
    { name: "limpet_endpoints", labels: { backend: checked.id, health: "unknown" }, value: 1 },
    { name: "limpet_endpoints", labels: { backend: checked.id, health: "unhealthy" }, value: 1 },
  ]);
  live.stop();
});

const drainTimes = (snapshot: Snapshot | undefined, index: number) =>
  snapshot?.backends[index]?.endpoints.map(({ health, drainingSinceMs }) => [health, drainingSinceMs]);

test("an endpoint that discovery says drains does so since it was first seen to, over reloads", async () => {
  const { live, published } = liveSnapshot();
  const leaving = backend("leaving", [endpoint(A), endpoint(B, { health: "draining" })]);
  const startMs = Date.now();
  await live.serve(snapshotOf({ backends: [plain, leaving] }), 0);
  expect(published[0]?.backends[0]).toBe(plain);
  await pass(60_000);
  await live.serve(snapshotOf({ backends: [plain, { ...leaving }] }), 0);
  for (const snapshot of published) {
    expect(drainTimes(snapshot, 1)).toEqual([
      ["unknown", undefined],
      ["draining", startMs],
    ]);
  }
  await live.serve(snapshotOf({ backends: [backend("leaving", [endpoint(A), endpoint(B)])] }), 0);
  await pass(60_000);
  await live.serve(snapshotOf({ backends: [leaving] }), 0);
  expect(drainTimes(published.at(-1), 0)?.[1]).toEqual(["draining", startMs + 120_000]);
  live.stop();
});

test("an operator's word is published at once to every backend of the endpoint, holds over reloads, and is taken back", async () => {
  const { live, published, drains } = liveSnapshot();
  await live.serve(configured, 0);
  const startMs = Date.now();
  drains.order([endpoint(A)], startMs);
  await live.drainsChanged();
  expect(published).toHaveLength(2);
  for (const index of [0, 1]) expect(drainTimes(published[1], index)?.[0]).toEqual(["draining", startMs]);
  expect(drainTimes(published[1], 1)?.[1]).toEqual(["unknown", undefined]);
  await pass(60_000);
  await live.serve(snapshotOf({ backends: [plain, checked] }), 0);
  expect(drainTimes(published[2], 0)?.[0]).toEqual(["draining", startMs]);
  drains.lift([A]);
  await live.drainsChanged();
  expect(drainTimes(published[3], 0)?.[0]).toEqual(["unknown", undefined]);
  expect(live.backends).toEqual([plain, checked]);
  live.stop();
});

test("what changes nothing about who drains is not published", async () => {
  const { live, published, drains } = liveSnapshot();
  await live.serve(configured, 0);
  drains.order([endpoint("10.9.9.9:80")], Date.now());
  await live.drainsChanged();
  expect(published).toHaveLength(1);
  live.stop();
});
