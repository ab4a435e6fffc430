// Tests of which sockets a snapshot needs.
import { expect, test } from "vitest";
import { listener } from "../../test/support/routes.ts";
import { snapshotOf } from "../../test/support/snapshots.ts";
import { bindPoints } from "./bind-points.ts";

test("listeners that share address and port share a socket", () => {
  const a = { ...listener("a", "a.example"), port: 8080 };
  const b = { ...listener("b", "b.example"), port: 8080 };
  const c = { ...listener("c"), port: 8081 };
  const d = { ...listener("d"), port: 8080, addresses: ["10.0.0.1", "2001:db8::1"] };
  const points = bindPoints(snapshotOf({ listeners: [a, b, c, d], backends: [] }));
  expect(points).toEqual([
    { key: "8080", address: undefined, port: 8080, listeners: [a, b] },
    { key: "8081", address: undefined, port: 8081, listeners: [c] },
    { key: "10.0.0.1:8080", address: "10.0.0.1", port: 8080, listeners: [d] },
    { key: "[2001:db8::1]:8080", address: "2001:db8::1", port: 8080, listeners: [d] },
  ]);
});

test("an address that is named twice is bound once", () => {
  const twice = { ...listener("a"), addresses: ["10.0.0.1", "10.0.0.1"] };
  const [point, ...rest] = bindPoints(snapshotOf({ listeners: [twice], backends: [] }));
  expect(point?.listeners).toEqual([twice]);
  expect(rest).toEqual([]);
});

test("listeners that clients see at one port are apart where they are bound apart", () => {
  const a = { ...listener("a"), port: 80, bindPort: 20_000 };
  const b = { ...listener("b"), port: 80, bindPort: 20_001 };
  const points = bindPoints(snapshotOf({ listeners: [a, b], backends: [] }));
  expect(points).toEqual([
    { key: "20000", address: undefined, port: 20_000, listeners: [a] },
    { key: "20001", address: undefined, port: 20_001, listeners: [b] },
  ]);
});
