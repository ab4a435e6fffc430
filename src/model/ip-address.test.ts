// Addresses have one canonical text each, the one that browsers and RFC 5952 give them.
import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatIp, formatSocketAddress, isLocalAddress, parseIp } from "./ip-address.ts";

test("what it reads is what Node takes for an address without a zone", () => {
  const near = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom(..."0123456789abcf:.") }));
  fc.assert(
    fc.property(near, (text) => {
      expect(parseIp(text) !== undefined).toBe(isIP(text) !== 0);
    }),
    { numRuns: 5000 },
  );
});

test("IPv6 text is that of a URL", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const bytes = parseIp(text);
      if (bytes === undefined) throw new Error(`not read: ${text}`);
      const expected = new URL(`http://[${text}]`).hostname.slice(1, -1);
      // URLs write mapped addresses in hexadecimal; RFC 5952 section 5 recommends the dotted form.
      if (!expected.startsWith("::ffff:")) expect(formatIp(bytes)).toBe(expected);
      expect(parseIp(formatIp(bytes))).toEqual(bytes);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["10.0.0.1", 80, "10.0.0.1:80"],
  ["2001:DB8:0:0:0:0:0:1", 443, "[2001:db8::1]:443"],
  ["::ffff:10.0.0.1", 1, "[::ffff:10.0.0.1]:1"],
  ["0:0:1::", 1, "[0:0:1::]:1"],
])("%s port %i is %s", (text, port, expected) => {
  expect(formatSocketAddress(parseIp(text) ?? [], port)).toBe(expected);
});

test.each(["", "010.0.0.1", "1.2.3", "1.2.3.4.5", "::1%eth0", "[::1]", "1::2::3", "12345::", "localhost"])(
  "%j is no address",
  (text) => {
    expect(parseIp(text)).toBeUndefined();
  },
);

test.each([
  "127.0.0.1",
  "127.255.0.9",
  "0.0.0.0",
  "169.254.169.254",
  "::",
  "::1",
  "fe80::1",
  "febf::1",
  "::ffff:127.0.0.1",
  "::ffff:169.254.1.1",
  "::127.0.0.1",
])("%s is an address of this machine or of its link", (text) => {
  expect(isLocalAddress(parseIp(text) ?? [])).toBe(true);
});

test.each(["10.0.0.1", "128.0.0.1", "169.253.0.1", "fec0::1", "2001:db8::1", "::ffff:10.0.0.1", "1::1"])(
  "%s is an address that others have too",
  (text) => {
    expect(isLocalAddress(parseIp(text) ?? [])).toBe(false);
  },
);
