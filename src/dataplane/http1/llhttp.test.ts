// Against Node's own parser: what both accept they frame alike, and what llhttp rejects is rejected.
import { createServer, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hostileBytes } from "../../../test/support/hostile-bytes.ts";
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

test("both parsers see the same requests, or ours refuses", { timeout: 0 }, async () => {
  let accepted = 0;
  let rejected = 0;
  await fc.assert(
    fc.asyncProperty(hostileBytes, async (bytes) => {
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
