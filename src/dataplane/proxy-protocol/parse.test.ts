// PROXY headers of both versions are read exactly, however they arrive, and everything else is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PROXY_HEADER, type ProxyHeaderResult, readProxyHeader } from "./parse.ts";

function read(text: string): ProxyHeaderResult {
  return readProxyHeader(Buffer.from(text, "latin1"));
}

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function v2(command: number, family: number, body: readonly number[]): Buffer {
  return Buffer.concat([
    Buffer.from(SIGNATURE, "latin1"),
    Buffer.of(command, family, body.length >> 8, body.length & 0xff),
    Buffer.from(body),
  ]);
}

const V4_BODY = [10, 0, 0, 1, 192, 0, 2, 7, 0x1f, 0x90, 0x01, 0xbb];
const V4 = { sourceIp: "10.0.0.1", sourcePort: 8080, destinationIp: "192.0.2.7", destinationPort: 443 };

describe("version 1", () => {
  test("tells both ends", () => {
    const line = "PROXY TCP4 10.0.0.1 192.0.2.7 8080 443\r\n";
    expect(read(`${line}GET /`)).toEqual({ kind: "header", addresses: V4, size: line.length });
  });

  test("IPv6 addresses become canonical", () => {
    expect(read("PROXY TCP6 2001:DB8:0:0::1 0:0:0:0:0:0:0:1 65535 0\r\n")).toMatchObject({
      addresses: { sourceIp: "2001:db8::1", sourcePort: 65_535, destinationIp: "::1", destinationPort: 0 },
    });
  });

  test("UNKNOWN may be followed by anything", () => {
    expect(read("PROXY UNKNOWN\r\n")).toEqual({ kind: "header", addresses: undefined, size: 15 });
    expect(read("PROXY UNKNOWN ffff:: what ever\r\n")).toMatchObject({ addresses: undefined });
  });

  test.each([
    ["PROXY TCP4 10.0.0.1 192.0.2.7 8080\r\n"],
    ["PROXY TCP4 10.0.0.1 192.0.2.7 8080 443 9\r\n"],
    ["PROXY TCP4  10.0.0.1 192.0.2.7 8080 443\r\n"],
    ["PROXY TCP4 10.0.0.1 192.0.2.7 8080 443 \r\n"],
    ["PROXY TCP4 10.0.0.01 192.0.2.7 8080 443\r\n"],
    ["PROXY TCP4 10.0.0.1 192.0.2.7 08080 443\r\n"],
    ["PROXY TCP4 10.0.0.1 192.0.2.7 8080 65536\r\n"],
    ["PROXY TCP4 10.0.0.1 192.0.2.7 +8080 443\r\n"],
    ["PROXY TCP4 ::1 ::1 8080 443\r\n"],
    ["PROXY TCP6 10.0.0.1 192.0.2.7 8080 443\r\n"],
    ["PROXY TCP6 fe80::1%eth0 ::1 8080 443\r\n"],
    ["PROXY UDP4 10.0.0.1 192.0.2.7 8080 443\r\n"],
    ["PROXY tcp4 10.0.0.1 192.0.2.7 8080 443\r\n"],
    ["PROXY \r\n"],
    ["proxy TCP4 10.0.0.1 192.0.2.7 8080 443\r\n"],
    [`PROXY UNKNOWN ${"x".repeat(100)}\r\n`],
    ["GET / HTTP/1.1\r\n"],
  ])("%j is refused", (text) => {
    expect(read(text).kind).toBe("malformed");
  });
});

describe("version 2", () => {
  test("tells both ends", () => {
    const header = v2(0x21, 0x11, V4_BODY);
    expect(readProxyHeader(Buffer.concat([header, Buffer.from("GET /")]))).toEqual({
      kind: "header",
      addresses: V4,
      size: header.length,
    });
    const v6 = [...Array(15).fill(0), 1, ...Array(15).fill(0), 2, 0, 80, 1, 187];
    expect(readProxyHeader(v2(0x21, 0x21, v6))).toMatchObject({
      addresses: { sourceIp: "::1", sourcePort: 80, destinationIp: "::2", destinationPort: 443 },
    });
  });

  test("what follows the addresses is skipped", () => {
    const header = v2(0x21, 0x11, [...V4_BODY, 0x02, 0, 1, 0x61]);
    expect(readProxyHeader(header)).toEqual({ kind: "header", addresses: V4, size: header.length });
  });

  test("a proxy that speaks for itself tells nobody", () => {
    expect(readProxyHeader(v2(0x20, 0x11, V4_BODY))).toMatchObject({ addresses: undefined, size: 28 });
    expect(readProxyHeader(v2(0x20, 0x00, []))).toMatchObject({ addresses: undefined, size: 16 });
    expect(readProxyHeader(v2(0x21, 0x00, [1, 2, 3]))).toMatchObject({ addresses: undefined, size: 19 });
  });

  test.each([
    ["another version", v2(0x11, 0x11, V4_BODY)],
    ["another command", v2(0x22, 0x11, V4_BODY)],
    ["UDP", v2(0x21, 0x12, V4_BODY)],
    ["a Unix socket", v2(0x21, 0x31, Array(216).fill(0))],
    ["addresses that are cut off", v2(0x21, 0x11, V4_BODY.slice(1))],
    ["IPv6 in the room of IPv4", v2(0x21, 0x21, V4_BODY)],
    ["too many extensions", v2(0x21, 0x11, Array(MAX_PROXY_HEADER).fill(0))],
  ])("%s is refused", (_, header) => {
    expect(readProxyHeader(header).kind).toBe("malformed");
  });
});

test("any beginning of a header is incomplete", () => {
  const headers = [Buffer.from("PROXY TCP4 10.0.0.1 192.0.2.7 8080 443\r\n"), v2(0x21, 0x11, V4_BODY)];
  for (const header of headers) {
    for (let size = 0; size < header.length; size += 1) {
      expect(readProxyHeader(header.subarray(0, size))).toEqual({ kind: "incomplete" });
    }
  }
});

test("what a header says is what was put into it", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), port, port, (source, destination, from, to) => {
      const result = read(`PROXY TCP4 ${source} ${destination} ${from} ${to}\r\n`);
      expect(result).toMatchObject({
        addresses: { sourceIp: source, destinationIp: destination, sourcePort: from, destinationPort: to },
      });
    }),
  );
});

test("changed bytes never make it throw, nor read past what has come", () => {
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  const header = fc.constantFrom(
    Buffer.from("PROXY TCP6 2001:db8::1 ::1 8080 443\r\n"),
    v2(0x21, 0x11, [...V4_BODY, 4, 0, 1, 0]),
  );
  fc.assert(
    fc.property(header, fc.array(change, { maxLength: 3 }), (whole, changes) => {
      const bytes = Buffer.from(whole);
      for (const { at, to } of changes) bytes[at % bytes.length] = to;
      const result = readProxyHeader(bytes);
      if (result.kind === "header") expect(result.size).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2000 },
  );
});
