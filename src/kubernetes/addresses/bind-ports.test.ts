// That bind ports are nobody else's and stay what they are.
import fc from "fast-check";
import { expect, test } from "vitest";
import { allocateBindPorts, BIND_PORTS, type BindPorts, keptBindPorts } from "./bind-ports.ts";

const portsOf = (entries: Record<string, Record<number, number>>): Map<string, BindPorts> =>
  new Map(
    Object.entries(entries).map(([key, ports]) => [
      key,
      new Map(Object.entries(ports).map(([port, bindPort]) => [Number(port), bindPort])),
    ]),
  );

test("each port of each Gateway gets one of its own, the next that nobody has", () => {
  const gateways = [
    { key: "one", ports: [80, 443] },
    { key: "two", ports: [80] },
  ];
  const recorded = portsOf({ two: { 80: 20_001 }, gone: { 80: 20_002 } });
  expect(allocateBindPorts(gateways, recorded)).toEqual(
    portsOf({ one: { 80: 20_000, 443: 20_003 }, two: { 80: 20_001 } }),
  );
});

test("of two that have the same port the older keeps it, and the other gets a new one", () => {
  const gateways = ["one", "two"].map((key) => ({ key, ports: [80] }));
  const recorded = portsOf({ one: { 80: 20_005 }, two: { 80: 20_005 } });
  expect(keptBindPorts(gateways, recorded)).toEqual(portsOf({ one: { 80: 20_005 }, two: {} }));
  expect(allocateBindPorts(gateways, recorded)).toEqual(
    portsOf({ one: { 80: 20_005 }, two: { 80: 20_000 } }),
  );
});

test("who is served at a port keeps it, whatever an older Gateway has on record", () => {
  const gateways = ["one", "two"].map((key) => ({ key, ports: [80] }));
  const recorded = portsOf({ one: { 80: 20_005 }, two: { 80: 20_005 } });
  const holders = new Map([[20_005, "two"]]);
  expect(keptBindPorts(gateways, recorded, holders)).toEqual(portsOf({ one: {}, two: { 80: 20_005 } }));
  expect(allocateBindPorts(gateways, recorded, undefined, holders)).toEqual(
    portsOf({ one: { 80: 20_000 }, two: { 80: 20_005 } }),
  );
});

test("a port that was never one to bind is replaced", () => {
  const gateways = [{ key: "one", ports: [80] }];
  expect(keptBindPorts(gateways, portsOf({ one: { 80: 22 } }))).toEqual(portsOf({ one: {} }));
  expect(allocateBindPorts(gateways, portsOf({ one: { 80: 22 } }))).toEqual(portsOf({ one: { 80: 20_000 } }));
});

test("a port that came free rests until there is none beyond", () => {
  const one = [{ key: "one", ports: [80] }];
  expect(allocateBindPorts(one, new Map(), 20_007)).toEqual(portsOf({ one: { 80: 20_008 } }));
  expect(allocateBindPorts(one, new Map(), BIND_PORTS.last)).toEqual(portsOf({ one: { 80: 20_000 } }));
});

test("when no port is left the youngest has none", () => {
  const count = BIND_PORTS.last - BIND_PORTS.first + 1;
  const gateways = Array.from({ length: count + 1 }, (_, index) => ({ key: `${index}`, ports: [80] }));
  const allocated = allocateBindPorts(gateways, new Map());
  expect(allocated.get(`${count - 1}`)).toEqual(new Map([[80, BIND_PORTS.last]]));
  expect(allocated.get(`${count}`)).toEqual(new Map());
});

const someGateways = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    ports: fc.uniqueArray(fc.constantFrom(80, 443, 8080), { maxLength: 3 }),
  }),
  { selector: ({ key }) => key },
);

test("in any history no two share a port, and a port that stays keeps its own", () => {
  fc.assert(
    fc.property(fc.array(someGateways, { minLength: 1, maxLength: 6 }), (history) => {
      let recorded: ReadonlyMap<string, BindPorts> = new Map();
      for (const gateways of history) {
        const allocated = allocateBindPorts(gateways, recorded);
        const all = [...allocated.values()].flatMap((ports) => [...ports.values()]);
        expect(new Set(all).size).toBe(all.length);
        for (const { key, ports } of gateways) {
          expect([...(allocated.get(key)?.keys() ?? [])].sort()).toEqual([...ports].sort());
          for (const port of ports) {
            const before = recorded.get(key)?.get(port);
            if (before !== undefined) expect(allocated.get(key)?.get(port)).toBe(before);
          }
        }
        // Replicas that know less than all of it bind a part of it.
        const known = new Map([...recorded].filter(([key]) => key !== "a"));
        for (const [key, ports] of keptBindPorts(gateways, known)) {
          for (const [port, bindPort] of ports) expect(allocated.get(key)?.get(port)).toBe(bindPort);
        }
        recorded = allocated;
      }
    }),
  );
});
