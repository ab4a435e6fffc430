// A ClientHello that Node's own client sends is read however it is cut, and nothing else passes for one.
import { createServer } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type ClientHelloResult, MAX_CLIENT_HELLO, readClientHello } from "./client-hello.ts";

/** The first bytes that a client of Node sends, which is OpenSSL's ClientHello. */
async function clientHello(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      resolve(bytes);
      socket.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", ...options });
  client.on("error", () => {});
  client.on("close", () => reject(new Error("no ClientHello came")));
  const bytes = await promise;
  client.destroy();
  server.close();
  return bytes;
}

let hello: Buffer;
let helloOf12: Buffer;
let nameless: Buffer;
beforeAll(async () => {
  hello = await clientHello({ servername: "Shop.Example" });
  helloOf12 = await clientHello({ servername: "shop.example", maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] });
  nameless = await clientHello({ servername: "" });
});

/** The message of one record, cut into records of these sizes. */
function inRecords(record: Buffer, sizes: readonly number[]): Buffer {
  const message = record.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0, index = 0; at < message.length; index += 1) {
    const fragment = message.subarray(at, at + (sizes[index % sizes.length] as number));
    records.push(Buffer.of(22, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment);
    at += fragment.length;
  }
  return Buffer.concat(records);
}

test("the name is lower case, whatever the version", () => {
  expect(readClientHello(hello)).toEqual({ kind: "hello", serverName: "shop.example" });
  expect(readClientHello(helloOf12)).toEqual({ kind: "hello", serverName: "shop.example" });
});

test("a client may name nobody", () => {
  expect(readClientHello(nameless)).toEqual({ kind: "hello", serverName: undefined });
});

test("every beginning of it is incomplete", () => {
  for (let size = 0; size < hello.length; size += 1) {
    expect(readClientHello(hello.subarray(0, size))).toEqual({ kind: "incomplete" });
  }
});

test("records may cut it anywhere", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 5 }), (sizes) => {
      const cut = inRecords(hello, sizes);
      expect(readClientHello(cut)).toEqual({ kind: "hello", serverName: "shop.example" });
      expect(readClientHello(cut.subarray(0, cut.length - 1))).toEqual({ kind: "incomplete" });
    }),
  );
});

test("changed bytes never make it throw, and never make a name that is none", () => {
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(hello);
      for (const { at, to } of changes) bytes[at % bytes.length] = to;
      const result = readClientHello(bytes);
      if (result.kind === "hello" && result.serverName !== undefined) {
        expect(result.serverName).toMatch(/^[a-z0-9._:-]{1,255}$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("noise is malformed at once, or asks for more; it never is a hello", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      expect(readClientHello(noise).kind).not.toBe("hello");
    }),
  );
});

test("plain HTTP is known by its first byte", () => {
  expect(readClientHello(Buffer.from("G"))).toMatchObject({ kind: "malformed" });
});

/** A ClientHello with these extensions, in one record. */
function withExtensions(...extensions: readonly Buffer[]): Buffer {
  const list = Buffer.concat(extensions);
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32),
    Buffer.of(0, 0, 2, 0x13, 0x01, 1, 0),
    Buffer.of(list.length >> 8, list.length & 0xff),
    list,
  ]);
  const message = Buffer.concat([Buffer.of(1, 0, body.length >> 8, body.length & 0xff), body]);
  return Buffer.concat([Buffer.of(22, 3, 1, message.length >> 8, message.length & 0xff), message]);
}

function serverName(...names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    Buffer.concat([Buffer.of(0, name.length >> 8, name.length & 0xff), Buffer.from(name, "latin1")]),
  );
  const list = Buffer.concat(entries);
  const size = list.length + 2;
  return Buffer.concat([Buffer.of(0, 0, size >> 8, size & 0xff, list.length >> 8, list.length & 0xff), list]);
}

test.each<[string, readonly Buffer[], ClientHelloResult["kind"]]>([
  ["one name", [serverName("a.example")], "hello"],
  ["another extension before", [Buffer.of(0, 23, 0, 0), serverName("a.example")], "hello"],
  ["two names in one list", [serverName("a.example", "b.example")], "malformed"],
  ["the extension twice", [serverName("a.example"), serverName("a.example")], "malformed"],
  ["an empty name", [serverName("")], "malformed"],
  ["no name in the list", [Buffer.of(0, 0, 0, 2, 0, 0)], "malformed"],
  ["a zero byte in the name", [serverName("a.example\0.b")], "malformed"],
  ["a name beyond what DNS has", [serverName("a".repeat(256))], "malformed"],
  ["an extension that is cut off", [Buffer.of(0, 0, 0, 9, 0)], "malformed"],
])("%s", (_, extensions, kind) => {
  expect(readClientHello(withExtensions(...extensions)).kind).toBe(kind);
});

test("nothing may follow it in its record", () => {
  const message = Buffer.concat([hello.subarray(5), Buffer.of(0)]);
  const record = Buffer.concat([Buffer.of(22, 3, 1, message.length >> 8, message.length & 0xff), message]);
  expect(readClientHello(record)).toMatchObject({ kind: "malformed" });
});

test("a client that goes on and on is malformed at the limit", () => {
  const endless = Buffer.concat(Array.from({ length: 3000 }, () => Buffer.of(22, 3, 1, 0, 1, 1)));
  expect(readClientHello(endless.subarray(0, 12))).toMatchObject({ kind: "incomplete" });
  const large = withExtensions(Buffer.concat([Buffer.of(0, 23, 0x3f, 0), Buffer.alloc(0x3f00)]));
  expect(readClientHello(large).kind).toBe("hello");
  expect(large.length).toBeLessThan(MAX_CLIENT_HELLO);
  const padded = inRecords(large, [4]);
  expect(readClientHello(padded.subarray(0, MAX_CLIENT_HELLO)).kind).toBe("malformed");
});
