// From one snapshot to the next: counters stay with addresses, tables with their content.
import { describe, expect, test } from "vitest";
import {
  addressOf,
  backendOf,
  decideNow,
  endpointAt,
  requestOf,
  ruleOf,
  statesOf,
} from "../../test/support/affinity.ts";
import type { LoadBalancer } from "../model/index.ts";
import { planRule } from "./plan.ts";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const maglev: LoadBalancer = { kind: "maglev", tableSize: 65537, useHostname: false };
const ring: LoadBalancer = {
  kind: "ringHash",
  minimumSize: 1024,
  maximumSize: 4096,
  hashFunction: "xxHash",
  useHostname: false,
};

const backend = backendOf("b", [A, B], { loadBalancer: maglev });

describe("endpoints", () => {
  test("keep their counters by address and show the newest state", () => {
    const before = statesOf(backend);
    before.get("b")!.byAddress.get(A)!.active = 3;
    const after = before.update([
      backendOf("b", [endpointAt(A, { health: "unhealthy" }), "10.0.0.3:80"], { loadBalancer: maglev }),
    ]);
    const state = after.get("b")?.byAddress.get(A);
    expect(state).toBe(before.get("b")?.byAddress.get(A));
    expect(state).toMatchObject({ active: 3, endpoint: { health: "unhealthy" } });
    expect(after.get("b")?.byAddress.has(B)).toBe(false);
    expect(before.get("b")?.byAddress.has(B)).toBe(true);
  });

  test("of two backends with one address count apart", () => {
    const states = statesOf(backendOf("x", [A]), backendOf("y", [A]));
    expect(states.get("x")?.endpoints[0]).not.toBe(states.get("y")?.endpoints[0]);
  });
});

describe("backends", () => {
  test("that are the same object are taken over", () => {
    const before = statesOf(backend);
    expect(before.update([backend]).get("b")).toBe(before.get("b"));
  });

  test("that are gone are gone", () => {
    expect(statesOf(backend).update([]).get("b")).toBeUndefined();
  });
});

describe("tables", () => {
  test("are shared by equal content, over backends and snapshots, and no further", () => {
    const states = statesOf(
      backend,
      { ...backend, id: "twin" },
      backendOf("other", [A], { loadBalancer: maglev }),
    );
    const table = states.get("b")!.lookup(maglev).pending;
    expect(table).toBeDefined();
    expect(states.get("twin")?.lookup(maglev).pending).toBe(table);
    expect(states.get("other")?.lookup(maglev).pending).not.toBe(table);
    table?.step(() => false);
    const later = states.update([{ ...backend, panicThresholdPercent: 10 }]);
    expect(later.get("b")?.lookup(maglev).pending).toBeUndefined();
    expect(later.get("b")?.lookup(ring).pending).toBeDefined();
  });

  test("hash by hostname where they are told to, and by address where there is none", () => {
    const byName = { ...maglev, useHostname: true };
    const named = (hostname: string, address: string) => endpointAt(address, { hostname });
    const pick = (endpoints: Parameters<typeof backendOf>[1]) => {
      const rule = ruleOf(["b"], { hashPolicies: [{ kind: "header", name: "x", terminal: false }] });
      const plan = planRule(rule, statesOf(backendOf("b", endpoints, { loadBalancer: byName })));
      return Array.from({ length: 30 }, (_, i) =>
        addressOf(decideNow(plan, requestOf("/", [["x", `${i}`]]))),
      );
    };
    const before = pick([named("one", A), named("two", B)]);
    const after = pick([named("one", "10.7.0.1:80"), named("two", "10.7.0.2:80")]);
    expect(after).toEqual(before.map((address) => address?.replace("10.0.0.", "10.7.0.")));
    expect(pick([A, B])).toEqual(pick([endpointAt(A, { hostname: "" }), B]));
  });
});

test("lookups of balancers that no reference brings along any more are dropped", () => {
  const states = statesOf(backend);
  const lookup = states.get("b")?.lookup({ kind: "roundRobin" });
  const next = states.update([backend]);
  expect(next.get("b")?.lookup({ kind: "roundRobin" })).toBe(lookup);
  expect(next.update([backend]).update([backend]).get("b")?.lookup({ kind: "roundRobin" })).not.toBe(lookup);
});

describe("tables to build before a swap", () => {
  const changed = backendOf("b", [A, B, "10.0.0.3:80"], { loadBalancer: maglev });

  test("are those whose counterparts are in use", () => {
    const before = statesOf(backend, { ...backend, id: "unused" });
    before
      .get("b")
      ?.lookup(maglev)
      .pending?.step(() => false);
    const after = before.update([changed, { ...changed, id: "unused" }]);
    const [table, ...others] = after.unbuiltTables(before);
    expect(others).toEqual([]);
    expect(table).toBe(after.get("b")?.lookup(maglev).pending);
    table?.step(() => false);
    expect(after.unbuiltTables(before)).toEqual([]);
  });

  test("include those of balancers that references bring along, and follow a changed balancer", () => {
    const before = statesOf(backend);
    for (const balancer of [maglev, ring])
      before
        .get("b")
        ?.lookup(balancer)
        .pending?.step(() => false);
    const after = before.update([{ ...changed, loadBalancer: { ...ring, minimumSize: 2048 } }]);
    expect(after.unbuiltTables(before)).toHaveLength(2);
  });

  test("are none for a backend where nobody serves", () => {
    const before = statesOf(backend);
    before
      .get("b")
      ?.lookup(maglev)
      .pending?.step(() => false);
    const after = before.update([backendOf("b", [], { loadBalancer: maglev })]);
    expect(after.unbuiltTables(before)).toEqual([]);
  });
});
