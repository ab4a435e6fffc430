// Responses against Node's own parser: what both accept they frame alike, and what llhttp rejects is rejected.
import { request } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EndpointHarness } from "../../../test/support/endpoint-harness.ts";
import { hostileResponse } from "../../../test/support/hostile-bytes.ts";
import { MemorySocket, settle, socketOf } from "../../../test/support/memory-socket.ts";

/** More by hand: `FUZZ_CASES=200000 npx vitest run src/dataplane/http1/llhttp-responses.test.ts`. */
const CASES = Number(process.env["FUZZ_CASES"] ?? 2_000);

/** Status and body of a response that has ended; undefined where it was refused or cut. */
type Reading = string | undefined;

async function ourReading(bytes: string, method: string): Promise<Reading> {
  const harness = new EndpointHarness().connect();
  const { exchange } = harness.send({ method });
  harness.deliver(bytes);
  harness.socket.hangUp();
  await settle();
  harness.connection.close();
  const { events } = exchange;
  const head = events.find((event) => event.startsWith("head "));
  if (head === undefined || !events.some((event) => event.startsWith("end "))) return undefined;
  const body = events.filter((event) => event.startsWith("data ")).map((event) => event.slice(5));
  return `${head.slice(5, 8)} ${body.join("")}`;
}

async function llhttpReading(bytes: string, method: string): Promise<Reading> {
  const socket = new MemorySocket();
  let seen: Reading;
  const asked = request({ method, host: "shop.example", createConnection: () => socketOf(socket) });
  asked.on("error", () => {});
  asked.on("response", (response) => {
    let body = "";
    response.setEncoding("latin1");
    response.on("data", (text: string) => {
      body += text;
    });
    response.on("error", () => {});
    response.on("end", () => {
      if (response.complete) seen = `${response.statusCode} ${body}`;
    });
  });
  asked.end();
  await settle();
  socket.deliver(bytes);
  socket.hangUp();
  await settle();
  asked.destroy();
  socket.destroy();
  return seen;
}

test("both parsers see the same response, or ours refuses", { timeout: 0 }, async () => {
  let accepted = 0;
  let rejected = 0;
  await fc.assert(
    fc.asyncProperty(hostileResponse, fc.constantFrom("GET", "GET", "HEAD"), async (bytes, method) => {
      const ours = await ourReading(bytes, method);
      const theirs = await llhttpReading(bytes, method);
      if (ours === undefined) rejected += 1;
      else {
        accepted += 1;
        expect(ours).toBe(theirs);
      }
    }),
    { numRuns: CASES, ...("FUZZ_CASES" in process.env ? {} : { seed: 1 }) },
  );
  // The inputs are worth their time only if both outcomes are common.
  expect(accepted).toBeGreaterThan(CASES / 10);
  expect(rejected).toBeGreaterThan(CASES / 10);
});
