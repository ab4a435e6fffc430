// Tests of the PROXY header that endpoints get: as text, as bytes, and as the reader of such headers understands it.
import { expect, test } from "vitest";
import { formatProxyHeader } from "./format.ts";
import { readProxyHeader } from "./parse.ts";

const V4 = ["192.0.2.7:40000", "198.51.100.1:443"] as const;
const V6 = ["[2001:db8::7]:40000", "[2001:db8:0:1::1]:443"] as const;
const SIGNATURE = "0d0a0d0a000d0a515549540a";

function text(source?: string, destination?: string): string {
  return formatProxyHeader("v1", source, destination).toString("latin1");
}

function bytes(source?: string, destination?: string): string {
  return formatProxyHeader("v2", source, destination).toString("hex");
}

test("version 1 is a line of text", () => {
  expect(text(...V4)).toBe("PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n");
  expect(text(...V6)).toBe("PROXY TCP6 2001:db8::7 2001:db8:0:1::1 40000 443\r\n");
});

test("version 2 is addresses and ports as bytes", () => {
  expect(bytes(...V4)).toBe(`${SIGNATURE}2111000cc0000207c63364019c4001bb`);
  expect(bytes(...V6)).toBe(
    `${SIGNATURE}21210024${"20010db8000000000000000000000007"}${"20010db8000000010000000000000001"}9c4001bb`,
  );
});

test("without a client the gateway speaks for itself", () => {
  expect(text()).toBe("PROXY UNKNOWN\r\n");
  expect(bytes()).toBe(`${SIGNATURE}20000000`);
});

test("an IPv4 address beside an IPv6 one is written as IPv6", () => {
  expect(text(V4[0], V6[1])).toBe("PROXY TCP6 ::ffff:192.0.2.7 2001:db8:0:1::1 40000 443\r\n");
  expect(bytes(V6[0], V4[1])).toContain("00000000000000000000ffffc6336401");
});

test("a zone stays at home", () => {
  expect(text("[fe80::1%eth0]:1", "[fe80::2]:2")).toBe("PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
});

test.each(["v1", "v2"] as const)("what is written in %s is read as the same addresses", (version) => {
  for (const [source, destination] of [
    V4,
    V6,
    ["[::]:0", "[::1]:65535"],
    ["[1::]:1", "[1:2:3:4:5:6:7:8]:2"],
  ]) {
    const header = formatProxyHeader(version, source, destination);
    const result = readProxyHeader(Buffer.concat([header, Buffer.from("GET /")]));
    if (result.kind !== "header" || result.addresses === undefined) throw new Error(JSON.stringify(result));
    const { sourceIp, sourcePort, destinationIp, destinationPort } = result.addresses;
    const shown = (ip: string, port: number) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);
    expect(result.size).toBe(header.length);
    expect(shown(sourceIp, sourcePort)).toBe(source);
    expect(shown(destinationIp, destinationPort)).toBe(destination);
  }
});

test.each(["v1", "v2"] as const)("without a client %s names nobody to the reader", (version) => {
  const header = formatProxyHeader(version, undefined, undefined);
  expect(readProxyHeader(header)).toEqual({ kind: "header", addresses: undefined, size: header.length });
});
