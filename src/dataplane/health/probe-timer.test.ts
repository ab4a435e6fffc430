// How long checks wait for an endpoint, where the process that checks is busy with something else.
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { backend, endpoint } from "../../../test/support/snapshots.ts";
import type { CheckKind } from "../../model/index.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../options.ts";
import { CheckConnections } from "./check-connections.ts";
import { type ProbeOutcome, startProbe } from "./probe.ts";

const TIMEOUT_MS = 100;

/** @param busyMs so long this process does nothing but that, as soon as the check is under way */
async function outcomeOf(server: Server, check: CheckKind, busyMs: number): Promise<ProbeOutcome> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const connections = new CheckConnections(DEFAULT_DATAPLANE_OPTIONS, SYSTEM_CLOCK);
  onTestFinished(() => connections.close());
  const target = endpoint(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  return new Promise((resolve) => {
    const rules = { intervalMs: 1_000, timeoutMs: TIMEOUT_MS, healthyThreshold: 1, unhealthyThreshold: 1 };
    startProbe(connections, backend("checked", [target]), target, { ...rules, check }, resolve);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs);
  });
}

const HTTP: CheckKind = {
  kind: "http",
  method: "GET",
  path: "/",
  headers: [],
  expected: [{ from: 200, to: 200 }],
  retriable: [],
};

test.each([
  ["TCP", () => createServer(), { kind: "tcp" }],
  ["HTTP", () => createHttpServer((_, response) => response.end("well")), HTTP],
] as const)(
  "%s: an endpoint that is well passes, however busy this process is meanwhile",
  async (_, server, check) => {
    expect((await outcomeOf(server(), check, 4 * TIMEOUT_MS)).result).toBe("passed");
  },
);

test("one that does not answer fails all the same", async () => {
  const mute = createHttpServer(() => {});
  onTestFinished(() => mute.closeAllConnections());
  const outcome = await outcomeOf(mute, HTTP, 4 * TIMEOUT_MS);
  expect(outcome).toEqual({ result: "failed", reason: `no answer in ${TIMEOUT_MS} ms` });
});
