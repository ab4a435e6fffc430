// Every socket has a worker as long as there is one, whatever died.
import fc from "fast-check";
import { expect, test } from "vitest";
import { socketShares } from "./socket-shares.ts";

test("with a socket each, workers keep to their own", () => {
  expect([...socketShares(3, [1, 2, 3], 3)]).toEqual([
    [1, [0]],
    [2, [1]],
    [3, [2]],
  ]);
});

test("a neighbour takes the socket of a worker that is gone", () => {
  expect([...socketShares(3, [1, 3], 3)]).toEqual([
    [1, [0]],
    [3, [1, 2]],
  ]);
});

test("one socket is for all", () => {
  expect([...socketShares(1, [1, 2], 2)]).toEqual([
    [1, [0]],
    [2, [0]],
  ]);
});

test("no socket is ever without a worker, and none that has its own accepts for others", () => {
  const counts = fc.record({
    sockets: fc.integer({ min: 1, max: 9 }),
    workers: fc.integer({ min: 1, max: 9 }),
  });
  const cases = counts.chain(({ sockets, workers }) => {
    const all = Array.from({ length: workers }, (_, index) => index + 1);
    const serving = fc.subarray(all, { minLength: 1 });
    return fc.record({ sockets: fc.constant(sockets), workers: fc.constant(workers), serving });
  });
  fc.assert(
    fc.property(cases, ({ sockets, workers, serving }) => {
      const shares = socketShares(sockets, serving, workers);
      expect([...shares.keys()]).toEqual(serving);
      const taken = new Set([...shares.values()].flat());
      expect(taken.size).toBe(sockets);
      if (serving.length === workers)
        for (const own of shares.values()) expect(own.length).toBeGreaterThan(0);
    }),
  );
});
