// Deltas: what they lead to, how small they are, and what they keep.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Route } from "./route.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "./snapshot.ts";
import { applyDelta, diffSnapshots, isEmptyDelta } from "./snapshot-delta.ts";

function route(name: string, status = 404): Route {
  return {
    id: `HTTPRoute/default/${name}`,
    object: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default", name },
    attachments: [{ listener: "Gateway/default/edge/http", hostnames: ["*"] }],
    rules: [
      {
        name: "0",
        matches: [{ path: { type: "prefix", value: "/" }, headers: [], query: [] }],
        filters: [],
        action: { kind: "respond", status, reason: "none" },
        hashPolicies: [],
        splitByHash: false,
      },
    ],
  };
}

function snapshot(version: number, routes: readonly Route[]): Snapshot {
  return { ...EMPTY_SNAPSHOT, version, routes };
}

const routes = fc
  .uniqueArray(fc.integer({ min: 0, max: 12 }), { maxLength: 10 })
  .chain((names) =>
    fc.tuple(...names.map((name) => fc.constantFrom(404, 500).map((status) => route(`r${name}`, status)))),
  );

describe("a delta", () => {
  test("leads from any snapshot to any other, also as JSON", () => {
    fc.assert(
      fc.property(routes, routes, (a, b) => {
        const before = snapshot(1, a);
        const after = snapshot(2, b);
        const delta = diffSnapshots(before, after);
        expect(applyDelta(JSON.parse(JSON.stringify(delta)), before)).toEqual(after);
      }),
    );
  });

  test("puts only what is new, and keeps the objects that did not change", () => {
    fc.assert(
      fc.property(routes, routes, (a, b) => {
        const before = snapshot(1, a);
        const delta = diffSnapshots(before, snapshot(2, b));
        const known = new Set(a.map((entry) => JSON.stringify(entry)));
        const put = delta.routes.flatMap((edit) => ("put" in edit ? edit.put : []));
        expect(put.filter((entry) => known.has(JSON.stringify(entry)))).toEqual([]);
        const after = applyDelta(delta, before);
        expect(after.routes.filter((entry) => a.includes(entry)).length).toBe(b.length - put.length);
      }),
    );
  });

  test("is empty exactly where nothing changed", () => {
    fc.assert(
      fc.property(routes, routes, (a, b) => {
        const before = snapshot(1, a);
        const delta = diffSnapshots(before, snapshot(2, b));
        expect(isEmptyDelta(delta, before)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  test("of one changed route among many has three steps", () => {
    const many = Array.from({ length: 1000 }, (_, index) => route(`r${index}`));
    const changed = many.with(500, route("r500", 500));
    expect(diffSnapshots(snapshot(1, many), snapshot(2, changed)).routes).toEqual([
      { from: 0, count: 500 },
      { put: [changed[500]] },
      { from: 501, count: 499 },
    ]);
  });

  test("refuses another base", () => {
    const delta = diffSnapshots(snapshot(1, []), snapshot(2, []));
    expect(() => applyDelta(delta, snapshot(3, []))).toThrow("version 1 does not apply to version 3");
  });
});
