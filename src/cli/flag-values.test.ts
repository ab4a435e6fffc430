// What flags take, what they refuse, and that what is written back means the same.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatDuration,
  formatSize,
  parseCount,
  parseDuration,
  parseEndpointAddress,
  parseHostPort,
  parseIpAddress,
  parseNetworks,
  parseSize,
  parseSocketAddresses,
  parseTime,
} from "./flag-values.ts";

test.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["0s", 0],
])("duration %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "10", "s", "-1s", "1.5s", "1d", "10s ", "10 s"])("no duration: %j", (text) => {
  expect(() => parseDuration(text)).toThrow("expected a duration such as 500ms, 10s, 5m or 1h30m");
});

test("a duration beyond what timers can wait is refused", () => {
  expect(() => parseDuration("600h")).toThrow("at most 596h");
  // What drains is given a moment more than it was told.
  expect(() => parseDuration("596h31m23s")).toThrow("at most 596h");
  expect(parseDuration("596h")).toBe(596 * 3_600_000);
});

test.each([
  ["0", 0],
  ["4096", 4096],
  ["64k", 65_536],
  ["1M", 1_048_576],
  ["2g", 2_147_483_648],
])("size %s", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "k", "1.5k", "1kb", "-1", "1t", "999999999999g"])("no size: %j", (text) => {
  expect(() => parseSize(text)).toThrow("expected a");
});

test("what is written is read again", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 596 * 3_600_000 }), (value) => {
      expect(parseDuration(formatDuration(value))).toBe(value);
      expect(parseSize(formatSize(value))).toBe(value);
    }),
  );
  expect([formatDuration(75_000), formatDuration(3_600_000), formatSize(32_768)]).toEqual([
    "75s",
    "1h",
    "32k",
  ]);
});

test("counts keep to their range", () => {
  expect(parseCount("3", 1, 3)).toBe(3);
  for (const text of ["0", "4", "", "1e1", "-1", "x"]) {
    expect(() => parseCount(text, 1, 3)).toThrow("expected a whole number from 1 to 3");
  }
});

test("addresses are IP addresses", () => {
  expect(parseIpAddress("::1")).toBe("::1");
  expect(() => parseIpAddress("localhost")).toThrow("expected an IP address");
});

test("host and port", () => {
  expect(parseHostPort("127.0.0.1:9900")).toEqual({ host: "127.0.0.1", port: 9900 });
  expect(parseHostPort("[::1]:0")).toEqual({ host: "::1", port: 0 });
  expect(parseHostPort("localhost:80")).toEqual({ host: "127.0.0.1", port: 80 });
  expect(parseHostPort("off")).toBe("off");
  for (const text of [
    "9900",
    ":9900",
    "::1:9900",
    "[127.0.0.1]:1",
    "127.0.0.1:65536",
    "host:1",
    "127.0.0.1",
  ]) {
    expect(() => parseHostPort(text)).toThrow("expected IP:PORT");
  }
});

test("networks are validated one by one", () => {
  expect(parseNetworks("10.0.0.0/8, fd00::/8,192.0.2.1")).toEqual(["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]);
  for (const text of ["", "10.0.0.0/33", "10.0.0.0/8,", "10.0.0.0/8/8", "a/8", "::/129", "10.0.0.0/"]) {
    expect(() => parseNetworks(text)).toThrow("expected networks such as 10.0.0.0/8,fd00::/8, not");
  }
});

test("addresses of servers get the port of DNS where they have none", () => {
  expect(parseSocketAddresses("10.0.0.53, fd00::53,10.0.0.54:5353,[fd00::54]:5353")).toEqual([
    "10.0.0.53:53",
    "[fd00::53]:53",
    "10.0.0.54:5353",
    "[fd00::54]:5353",
  ]);
});

test.each([
  "",
  "dns.example",
  "10.0.0.53:",
  "10.0.0.53:0",
  "10.0.0.53:70000",
  "[10.0.0.53]:53",
  "fd00::53:x",
])("no addresses of servers: %j", (text) => {
  expect(() => parseSocketAddresses(text)).toThrow("expected addresses such as 10.0.0.53");
});

test.each([
  ["10.0.0.1:80", "10.0.0.1:80"],
  ["[2001:DB8:0:0::1]:8080", "[2001:db8::1]:8080"],
])("the endpoint %s is %s", (text, address) => {
  expect(parseEndpointAddress(text)).toBe(address);
});

test.each([
  "",
  "10.0.0.1",
  "10.0.0.1:0",
  "10.0.0.1:70000",
  "2001:db8::1:80",
  "[10.0.0.1]:80",
  "shop:80",
  "010.0.0.1:80",
])("no endpoint: %j", (text) => {
  expect(() => parseEndpointAddress(text)).toThrow("expected IP:PORT such as 10.0.0.1:8080");
});

test.each([
  ["2026-01-01T00:00:00Z", 1_767_225_600_000],
  ["2026-01-01T01:00:00.5+01:00", 1_767_225_600_500],
])("time %s", (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

test.each(["", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "1767225600"])(
  "no time: %j",
  (text) => {
    expect(() => parseTime(text)).toThrow("expected a time such as 2026-01-01T00:00:00Z");
  },
);
