// Against Node's own parser: what both accept they frame alike, and what llhttp rejects is rejected.
import { createServer, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemorySocket, settle, socketOf } from "../../../test/support/memory-socket.ts";
import { ServerHarness } from "../../../test/support/server-harness.ts";

/** More by hand: `FUZZ_CASES=200000 npx vitest run src/dataplane/http1/llhttp.test.ts`. */
const CASES = Number(process.env["FUZZ_CASES"] ?? 3_000);

interface Reading {
  /** Requests whose body has ended: method, target, body. */
  readonly whole: readonly string[];
  /** Code of the parser, if it refused. */
  readonly refused: string | undefined;
}

async function ourReading(bytes: string): Promise<Reading> {
  const harness = new ServerHarness();
  harness.socket.deliver(bytes);
  await settle();
  // What waits for more bytes is refused in the end; llhttp may have seen earlier that they cannot help.
  harness.pass(61_000);
  const whole = harness.requests
    .filter((request) => request.whole)
    .map(({ stream, body }) => `${stream.head.method} ${stream.head.path} ${body}`);
  const aborted = harness.requests.find((request) => request.aborted !== undefined)?.aborted;
  harness.server.destroy();
  return { whole, refused: harness.rejected[0]?.code ?? aborted?.code };
}

async function llhttpReading(bytes: string): Promise<Reading> {
  const whole: string[] = [];
  let refused: string | undefined;
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      whole.push(`${request.method} ${request.url} ${body}`);
      response.end();
    });
    request.on("error", () => {});
  });
  server.on("clientError", (error: NodeJS.ErrnoException) => {
    refused ??= error.code ?? "unknown";
  });
  const socket = new MemorySocket();
  server.emit("connection", socketOf(socket));
  socket.deliver(bytes);
  await settle();
  if (refused === undefined && /^HTTP\/1\.1 4/.test(socket.sent)) refused = socket.sent.slice(9, 12);
  socket.destroy();
  return { whole, refused };
}

/** What our parser lets through on purpose and llhttp does not: other methods, and CRs at the end of a line. */
function isKnownDifference(bytes: string, refused: string): boolean {
  return (
    refused === "HPE_INVALID_METHOD" || refused === "HPE_CLOSED_CONNECTION" || /\r[ \t]*\r\n/.test(bytes)
  );
}

const method = fc.constantFrom("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS");
const target = fc.constantFrom("/", "/a?b=c", "/%41", "http://a/b", "*", "/a b", "a", "/a#b", "//x");
const version = fc.constantFrom(
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/2.0",
  "HTTP/1.",
  "http/1.1",
);
const field = fc.constantFrom(
  "Content-Length: 5",
  "Content-Length: 0",
  "content-length:5",
  "Content-Length: 5, 5",
  "Content-Length: +5",
  "Content-Length: 0x5",
  "Content-Length: 5 ",
  "Content-Length:",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: CHUNKED",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: xchunked",
  "Connection: keep-alive",
  "Connection: close",
  "Connection: x-a",
  "X-A: 1",
  "X-A:",
  "X-A: \x01",
  "X-A: \xff",
  "X\xe4: 1",
  " folded",
  "X-A 1",
  "Host: b",
  "Upgrade: websocket",
  "Expect: 100-continue",
);
const body = fc.constantFrom(
  "",
  "hello",
  "hello, and more",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  '5;a="b\\"c"\r\nhello\r\n0\r\n\r\n',
  "5 \r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "05\r\nhello\r\n000\r\nX-Sum: 1\r\n\r\n",
  "0\r\n\r\n",
  "-5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
  "FFFFFFFFFFFFFFFFF\r\n",
);
/** Messages that are right as they stand; what damage does to them is more interesting than to broken ones. */
const soundFraming = fc.constantFrom(
  "\r\n",
  "Content-Length: 5\r\n\r\nhello",
  "Content-Length: 0\r\n\r\n",
  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  'Transfer-Encoding: chunked\r\n\r\n1;a=b;c="d"\r\nx\r\n2\r\nyz\r\n0\r\nX-Sum: 1\r\n\r\n',
);
const soundField = fc.constantFrom(
  "X-A: 1\r\n",
  "Cookie: a=b; c=d\r\n",
  "X-Empty:\r\n",
  "Connection: x-a\r\n",
);
const sound = fc
  .tuple(
    method,
    fc.constantFrom("/", "/a?b=c", "/%41", "http://a/b"),
    fc.array(soundField, { maxLength: 2 }),
    soundFraming,
  )
  .map(([name, path, fields, rest]) => `${name} ${path} HTTP/1.1\r\nHost: a\r\n${fields.join("")}${rest}`);
const wild = fc
  .tuple(method, target, version, fc.array(field, { maxLength: 4 }), body)
  .map(
    ([name, path, protocol, fields, content]) =>
      `${name} ${path} ${protocol}\r\nHost: a\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${content}`,
  );
/** Replaces, inserts or removes a character somewhere. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(1),
  inserted: fc.constantFrom(
    "",
    "\r",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\0",
    ":",
    ";",
    "0",
    "5",
    "a",
    "\x7f",
    "\x80",
    ",",
  ),
});
const input = fc
  .tuple(
    fc.array(fc.oneof({ arbitrary: sound, weight: 3 }, wild), { minLength: 1, maxLength: 3 }),
    fc.array(damage, { maxLength: 2 }),
  )
  .map(([messages, damages]) => {
    let bytes = messages.join("");
    for (const { at, removed, inserted } of damages) {
      const index = Math.floor(at * bytes.length);
      bytes = bytes.slice(0, index) + inserted + bytes.slice(index + removed);
    }
    return bytes;
  });

test("both parsers see the same requests, or ours refuses", { timeout: 0 }, async () => {
  let accepted = 0;
  let rejected = 0;
  await fc.assert(
    fc.asyncProperty(input, async (bytes) => {
      const ours = await ourReading(bytes);
      const theirs = await llhttpReading(bytes);
      if (theirs.refused !== undefined && !isKnownDifference(bytes, theirs.refused)) {
        rejected += 1;
        expect(ours.refused, `llhttp says ${theirs.refused}`).toBeDefined();
        expect(ours.whole.length).toBeLessThanOrEqual(theirs.whole.length);
      }
      if (theirs.refused !== undefined) return;
      accepted += ours.whole.length;
      ours.whole.forEach((request, index) => {
        const seen = theirs.whole[index];
        expect(request).toBe(seen?.replace(/ http:\/\/[^/ ]*/, " "));
      });
      if (ours.refused === undefined) expect(ours.whole.length).toBe(theirs.whole.length);
    }),
    { numRuns: CASES, ...("FUZZ_CASES" in process.env ? {} : { seed: 1 }) },
  );
  // The inputs are worth their time only if both outcomes are common.
  expect(accepted).toBeGreaterThan(CASES / 10);
  expect(rejected).toBeGreaterThan(CASES / 10);
});
