// Client networks: prefixes of both families, mapped addresses, and canonical text.
import { expect, test } from "vitest";
import { CLIENT, requestOf } from "../../test/support/affinity.ts";
import type { HashKey } from "../model/index.ts";
import { clientNetwork } from "./client-network.ts";
import { hashRequest } from "./hash-policy.ts";
import { toBigInt } from "./hash64.ts";
import { xxh64 } from "./library.ts";

test.each([
  ["192.0.2.200", 24, 56, "192.0.2.0"],
  ["192.0.2.200", 25, 56, "192.0.2.128"],
  ["192.0.2.200", 31, 56, "192.0.2.200"],
  ["192.0.2.200", 32, 56, "192.0.2.200"],
  ["192.0.2.200", 0, 56, "0.0.0.0"],
  ["192.0.2.200", undefined, 56, "192.0.2.200"],
  ["2001:db8:1:2345:6789::1", 24, 56, "2001:db8:1:2300::"],
  ["2001:db8:1:2345:6789::1", 24, 60, "2001:db8:1:2340::"],
  ["2001:db8:1:2345:6789::1", 24, undefined, "2001:db8:1:2345:6789::1"],
  ["2001:db8::1", 24, 0, "::"],
  ["2001:0DB8:0:0::0001", undefined, 128, "2001:db8::1"],
  ["::ffff:192.0.2.200", 24, 56, "192.0.2.0"],
  ["::ffff:c000:2c8", undefined, 64, "192.0.2.200"],
  ["no address", 24, 56, "no address"],
])("%s under /%s and /%s is %s", (ip, v4, v6, network) => {
  expect(clientNetwork(ip, v4, v6)).toBe(network);
});

function hashFor(ip: string, key: Omit<HashKey & { kind: "sourceIp" }, "kind">): bigint {
  const hash = { high: 0, low: 0 };
  const policy = { kind: "sourceIp", terminal: false, ...key } as const;
  expect(hashRequest([policy], requestOf("/"), { ...CLIENT, ip }, Math.random, [], hash)).toBe(true);
  return toBigInt(hash);
}

test("a full prefix hashes exactly what Envoy hashes: the address without its port", () => {
  for (const ip of ["203.0.113.5", "2001:db8::1"]) {
    expect(hashFor(ip, {})).toBe(xxh64(ip));
    expect(hashFor(ip, { v4PrefixBits: 32, v6PrefixBits: 128 })).toBe(xxh64(ip));
  }
});

test("clients of one network hash alike, and those of the next one do not", () => {
  const prefixes = { v4PrefixBits: 24, v6PrefixBits: 56 };
  expect(hashFor("203.0.113.5", prefixes)).toBe(hashFor("203.0.113.250", prefixes));
  expect(hashFor("203.0.113.5", prefixes)).toBe(hashFor("::ffff:203.0.113.9", prefixes));
  expect(hashFor("203.0.113.5", prefixes)).not.toBe(hashFor("203.0.114.5", prefixes));
  expect(hashFor("2001:db8:0:1::1", prefixes)).toBe(hashFor("2001:db8:0:ff::2", prefixes));
  expect(hashFor("2001:db8:0:1::1", prefixes)).not.toBe(hashFor("2001:db8:0:100::1", prefixes));
});
