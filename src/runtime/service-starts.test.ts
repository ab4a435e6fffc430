// Who is new: those that come later or come back, not those that a backend begins with.
import { expect, test } from "vitest";
import { backendOf, endpointAt } from "../../test/support/affinity.ts";
import { type Service, ServiceStarts } from "./service-starts.ts";

const WINDOW_MS = 10_000;

/** Feeds moments of `address -> service`; answers who is new, and since when, after the last one. */
function after(...moments: readonly (readonly [nowMs: number, services: Record<string, Service>])[]) {
  const starts = new ServiceStarts();
  let lastMs = 0;
  let addresses: string[] = [];
  for (const [nowMs, services] of moments) {
    addresses = Object.keys(services);
    const backend = backendOf("b", addresses);
    starts.update(backend, ({ address }) => services[address] ?? "down", WINDOW_MS, nowMs);
    lastMs = nowMs;
  }
  const since = addresses.map((address) => starts.sinceMs(endpointAt(address), WINDOW_MS, lastMs));
  return { since, nextEndMs: starts.nextEndMs(WINDOW_MS, lastMs) };
}

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";

test("the endpoints that a backend begins with are not new", () => {
  expect(after([0, { [A]: "serving", [B]: "serving" }]).since).toEqual([undefined, undefined]);
});

test("even if their first check takes a moment", () => {
  const { since, nextEndMs } = after(
    [0, { [A]: "pending", [B]: "pending" }],
    [500, { [A]: "serving", [B]: "serving" }],
  );
  expect(since).toEqual([undefined, undefined]);
  expect(nextEndMs).toBe(Number.POSITIVE_INFINITY);
});

test("one that comes later is new from the moment it serves", () => {
  const { since, nextEndMs } = after(
    [0, { [A]: "serving" }],
    [1000, { [A]: "serving", [B]: "pending" }],
    [2000, { [A]: "serving", [B]: "serving" }],
    [3000, { [A]: "serving", [B]: "serving" }],
  );
  expect(since).toEqual([undefined, 2000]);
  expect(nextEndMs).toBe(12_000);
});

test("one that was down is new when it comes back, and anew each time", () => {
  expect(after([0, { [A]: "down" }], [100, { [A]: "serving" }]).since).toEqual([100]);
  expect(
    after(
      [0, { [A]: "serving" }],
      [1, { [A]: "down" }],
      [2, { [A]: "serving" }],
      [3, { [A]: "down" }],
      [4, { [A]: "serving" }],
    ).since,
  ).toEqual([4]);
});

test("it is over after the window", () => {
  const { since, nextEndMs } = after(
    [0, { [A]: "down" }],
    [100, { [A]: "serving" }],
    [10_100, { [A]: "serving" }],
  );
  expect(since).toEqual([undefined]);
  expect(nextEndMs).toBe(Number.POSITIVE_INFINITY);
});

test("another pod at the same address is new", () => {
  const starts = new ServiceStarts();
  for (const [nowMs, uid] of [
    [0, "one"],
    [100, "other"],
  ] as const) {
    starts.update(backendOf("b", [endpointAt(A, { uid })]), () => "serving", WINDOW_MS, nowMs);
  }
  const since = ["one", "other"].map((uid) => starts.sinceMs(endpointAt(A, { uid }), WINDOW_MS, 100));
  expect(since).toEqual([undefined, 100]);
});

const HOUR_MS = 3_600_000;

test("a clock that was set back makes nobody new who was through with it", () => {
  const { since, nextEndMs } = after(
    [HOUR_MS, { [A]: "serving" }],
    [HOUR_MS + 1, { [A]: "serving", [B]: "serving" }],
    [HOUR_MS + 1 + WINDOW_MS, { [A]: "serving", [B]: "serving" }],
    [0, { [A]: "serving", [B]: "serving" }],
  );
  expect(since).toEqual([undefined, undefined]);
  expect(nextEndMs).toBe(Number.POSITIVE_INFINITY);
});

test("who is new while the clock is set back is spared for one window more, not until the clock has caught up", () => {
  const { since, nextEndMs } = after(
    [HOUR_MS, { [A]: "serving" }],
    [HOUR_MS + 1, { [A]: "serving", [B]: "serving" }],
    [7, { [A]: "serving", [B]: "serving" }],
  );
  expect(since).toEqual([undefined, 7]);
  expect(nextEndMs).toBe(7 + WINDOW_MS);
});
