// Who gets which address of a pool, who keeps it, and what those are told who get none.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GatewayAddress, GatewayNeeds } from "../../dialects/gateway-api/placement.ts";
import { objectKey } from "../../model/index.ts";
import { AddressPool } from "./address-pool.ts";
import { type PoolRecords, placeInPool } from "./pool-placement.ts";

function gateway(name: string, ...addresses: (string | GatewayAddress)[]): GatewayNeeds {
  return {
    gateway: { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "shop", name },
    ports: [80],
    addresses: addresses.map((one) => (typeof one === "string" ? { type: "IPAddress", value: one } : one)),
    infrastructure: { labels: {}, annotations: {} },
  };
}

const keyOf = (name: string) => objectKey(gateway(name).gateway);

function place(gateways: readonly GatewayNeeds[], more: Partial<PoolRecords> = {}) {
  return placeInPool(gateways, {
    pool: new AddressPool(["192.0.2.0/29"]),
    recorded: new Map(),
    assigns: true,
    objection: () => undefined,
    ...more,
  });
}

const recorded = (entries: Record<string, readonly string[]>) =>
  new Map(Object.entries(entries).map(([name, addresses]) => [keyOf(name), addresses]));

const boundOf = (placements: ReturnType<typeof place>) =>
  placements.map(({ bindAddresses }) => bindAddresses);

test("each gets the lowest address that is free, the oldest first", () => {
  const placements = place([gateway("one"), gateway("two", ""), gateway("three", "", "")]);
  expect(boundOf(placements)).toEqual([["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3", "192.0.2.4"]]);
  expect(placements[0]).toEqual({
    bindAddresses: ["192.0.2.1"],
    addresses: [{ type: "IPAddress", value: "192.0.2.1" }],
  });
});

test("whoever has an address keeps it, whoever comes to be older", () => {
  const records = { recorded: recorded({ two: ["192.0.2.1"], three: ["192.0.2.5", "192.0.2.6"] }) };
  const placements = place([gateway("one"), gateway("two"), gateway("three")], records);
  expect(boundOf(placements)).toEqual([["192.0.2.2"], ["192.0.2.1"], ["192.0.2.5"]]);
});

test("of two that have the same address the older keeps it", () => {
  const records = { recorded: recorded({ one: ["192.0.2.4"], two: ["192.0.2.4"] }) };
  expect(boundOf(place([gateway("one"), gateway("two")], records))).toEqual([["192.0.2.4"], ["192.0.2.1"]]);
});

test("an address of another pool is given up for one of this", () => {
  const records = { recorded: recorded({ one: ["198.51.100.1"] }) };
  expect(boundOf(place([gateway("one")], records))).toEqual([["192.0.2.1"]]);
});

test("a certain address goes before any address, and never from one who has it", () => {
  const placements = place([gateway("one"), gateway("two", "192.0.2.1")]);
  expect(boundOf(placements)).toEqual([["192.0.2.2"], ["192.0.2.1"]]);
  const kept = place([gateway("one"), gateway("two", "192.0.2.1")], {
    recorded: recorded({ one: ["192.0.2.1"] }),
  });
  expect(boundOf(kept)).toEqual([["192.0.2.1"], []]);
  expect(kept[1]).toMatchObject({
    bindPorts: new Map(),
    problem: {
      condition: "Programmed",
      reason: "AddressNotUsable",
      message: "Gateway/shop/one has 192.0.2.1 already",
    },
  });
});

test("what other namespaces have is told without their names", () => {
  const two = gateway("two", "192.0.2.1");
  const stranger = { ...two, gateway: { ...two.gateway, namespace: "bank" } };
  const [, placement] = place([gateway("one"), stranger], { recorded: recorded({ one: ["192.0.2.1"] }) });
  expect(placement?.problem?.message).toBe("another Gateway has 192.0.2.1 already");
});

test("an address outside of the pool is not usable, and the others are served", () => {
  const [placement] = place([gateway("one", "203.0.113.9", "192.0.2.3", "")]);
  expect(placement?.addresses.map(({ value }) => value)).toEqual(["192.0.2.3", "192.0.2.1"]);
  expect(placement?.problem).toMatchObject({
    reason: "AddressNotUsable",
    message: "203.0.113.9 is not in the address pool",
    remedy: { path: ["spec", "addresses", 0, "value"] },
  });
});

test("an address is the same in any spelling", () => {
  const pool = new AddressPool(["2001:db8::/120"]);
  const placements = place([gateway("one", "2001:0db8:0::7"), gateway("two", "2001:DB8::7")], { pool });
  expect(boundOf(placements)).toEqual([["2001:db8::7"], []]);
});

test("a type that cannot be had is not accepted, and nothing new is given beside it", () => {
  const other = { type: "Hostname", value: "shop.example" };
  const asked = [gateway("one", other, "192.0.2.3")];
  const [placement] = place(asked);
  expect(placement).toMatchObject({
    bindAddresses: [],
    bindPorts: new Map(),
    problem: { condition: "Accepted", reason: "UnsupportedAddress" },
  });
  const [before] = place(asked, { recorded: recorded({ one: ["192.0.2.3"] }) });
  expect(before).toMatchObject({ bindAddresses: ["192.0.2.3"], problem: { condition: "Accepted" } });
});

test("when the pool is exhausted the youngest is told", () => {
  const pool = new AddressPool(["192.0.2.7/32"]);
  const [one, two] = place([gateway("one"), gateway("two")], { pool });
  expect(one).toMatchObject({ bindAddresses: ["192.0.2.7"] });
  expect(two).toMatchObject({ bindAddresses: [], problem: { reason: "AddressNotAssigned" } });
});

test("a replica that does not lead binds what is written down and nothing else", () => {
  const placements = place([gateway("one"), gateway("two", "192.0.2.3"), gateway("three", "192.0.2.4")], {
    recorded: recorded({ three: ["192.0.2.4"] }),
    assigns: false,
  });
  expect(boundOf(placements)).toEqual([[], [], ["192.0.2.4"]]);
  expect(placements.map(({ problem }) => problem?.reason)).toEqual(["Pending", "Pending", undefined]);
});

const POOL = [1, 2, 3, 4, 5, 6].map((last) => `192.0.2.${last}`);
const someAddress = fc.constantFrom("", ...POOL, "203.0.113.1");
const someGateway = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e"),
  addresses: fc.array(someAddress, { maxLength: 3 }),
});
/** A state of the cluster: its Gateways, oldest first. */
const someGateways = fc.uniqueArray(someGateway, { selector: ({ name }) => name, maxLength: 5 });

test("in any history no two Gateways share an address, and what one may keep it keeps", () => {
  fc.assert(
    fc.property(fc.array(someGateways, { minLength: 1, maxLength: 6 }), (history) => {
      let records: ReadonlyMap<string, readonly string[]> = new Map();
      for (const state of history) {
        const gateways = state.map(({ name, addresses }) => gateway(name, ...addresses));
        const placements = place(gateways, { recorded: records });
        const bound = boundOf(placements).flat();
        expect(new Set(bound).size).toBe(bound.length);
        expect(bound.every((address) => POOL.includes(address))).toBe(true);
        const next = new Map(
          gateways.map(({ gateway: ref }, at) => [objectKey(ref), boundOf(placements)[at] ?? []]),
        );
        // Whoever follows does the same with the same records, and the leader itself the next time.
        expect(boundOf(place(gateways, { recorded: next, assigns: false }))).toEqual(boundOf(placements));
        for (const { gateway: ref, addresses } of gateways) {
          const before = records.get(objectKey(ref)) ?? [];
          const any = addresses.length === 0 || addresses.every(({ value }) => value === "");
          if (any && before.length > 0) expect(before).toContain(next.get(objectKey(ref))?.[0]);
        }
        records = next;
      }
    }),
    { numRuns: 300 },
  );
});
