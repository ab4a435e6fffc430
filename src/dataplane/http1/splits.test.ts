// Hostile bytes cut at random places: what becomes of them depends on the bytes alone.
import fc from "fast-check";
import { expect, test } from "vitest";
import { hostileBytes } from "../../../test/support/hostile-bytes.ts";
import { settle } from "../../../test/support/memory-socket.ts";
import { ServerHarness } from "../../../test/support/server-harness.ts";

/** More by hand: `FUZZ_CASES=200000 npx vitest run src/dataplane/http1/splits.test.ts`. */
const CASES = Number(process.env["FUZZ_CASES"] ?? 2_000);

async function outcome(pieces: readonly string[]): Promise<unknown> {
  const harness = new ServerHarness({ options: { maxHeadSize: 120, maxHeaders: 4, maxBodySize: 12 } });
  for (const piece of pieces) {
    harness.socket.deliver(piece);
    // Now and then the pipeline has its turn between two pieces, as on a network.
    if (piece.length % 2 === 0) await settle();
  }
  await settle();
  const seen = {
    requests: harness.requests.map(({ stream, fields, body, trailers, aborted }) => ({
      head: `${stream.head.method} ${stream.head.authority} ${stream.head.path}`,
      fields,
      // Of a body that turned out to be malformed, more or less may have been passed on already.
      body: aborted === undefined ? body : undefined,
      trailers,
      aborted: aborted?.code,
    })),
    rejected: harness.rejected,
    sent: harness.socket.sent,
  };
  harness.server.destroy();
  return seen;
}

function cut(bytes: string, places: readonly number[]): string[] {
  const positions = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].sort(
    (a, b) => a - b,
  );
  return [0, ...positions]
    .map((from, index) => bytes.slice(from, positions[index]))
    .filter((piece) => piece !== "");
}

test("cuts change nothing", { timeout: 0 }, async () => {
  const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(hostileBytes, places, async (bytes, cuts) => {
      const pieces = cut(bytes, cuts);
      expect(pieces.join("")).toBe(bytes);
      expect(await outcome(pieces)).toEqual(await outcome([bytes]));
    }),
    { numRuns: CASES, ...("FUZZ_CASES" in process.env ? {} : { seed: 1 }) },
  );
});
