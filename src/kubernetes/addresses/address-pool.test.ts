// Which addresses a pool has to give, in which order.
import { expect, test } from "vitest";
import { AddressPool } from "./address-pool.ts";

function all(...networks: string[]): string[] {
  return [...new AddressPool(networks).addresses()];
}

test.each([
  ["192.0.2.0/29", ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"]],
  ["192.0.2.5/30", ["192.0.2.5", "192.0.2.6"]],
  ["192.0.2.4/31", ["192.0.2.4", "192.0.2.5"]],
  ["192.0.2.4/32", ["192.0.2.4"]],
  ["192.0.2.4", ["192.0.2.4"]],
  ["2001:db8::/126", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]],
  ["2001:db8::/127", ["2001:db8::", "2001:db8::1"]],
])("%s has the addresses that hosts may have", (network, expected) => {
  expect(all(network)).toEqual(expected);
  const pool = new AddressPool([network]);
  expect(expected.every((address) => pool.has(address))).toBe(true);
});

test("networks come in the order in which they were given", () => {
  expect(all("192.0.2.8/31", "192.0.2.0/31")).toEqual(["192.0.2.8", "192.0.2.9", "192.0.2.0", "192.0.2.1"]);
});

test.each(["192.0.2.0", "192.0.2.7", "192.0.2.8", "::ffff:192.0.2.1", "c000:201::", "shop", ""])(
  "%s is not in 192.0.2.0/29",
  (address) => {
    expect(new AddressPool(["192.0.2.0/29"]).has(address)).toBe(false);
  },
);

test("a large network is not walked through for an address at its beginning", () => {
  expect(new AddressPool(["2001:db8::/32"]).addresses().next().value).toBe("2001:db8::1");
});

test.each(["", "shop/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "192.0.2/24"])(
  "%j is no network",
  (network) => {
    expect(() => new AddressPool([network])).toThrow(RangeError);
  },
);
