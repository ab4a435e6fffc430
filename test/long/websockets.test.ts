// A thousand WebSockets go through a hand-over: the old process keeps all of them until its time to drain is over.
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { handOver, isAlive, stopAll } from "../support/hand-over.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startEchoBackend, WebSocketCrowd } from "../support/websocket-crowd.ts";

const CROWD = 1_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** Of a timer, and of a thousand closings, where the machine does something else as well. */
const LATE_MS = 5_000;

test("none of 1,000 WebSockets is cut before the drain timeout, and all are after it", async () => {
  const backend = await startEchoBackend();
  const port = await freePort();
  const running = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([backend.port]) },
    args: ["--workers", "2", "--drain-timeout", `${DRAIN_TIMEOUT_MS}ms`, "--access-log", "off"],
  });
  const crowd = new WebSocketCrowd();
  const newcomers = new WebSocketCrowd();
  onTestFinished(async () => {
    crowd.end();
    newcomers.end();
    await stopAll(running);
    backend.stop();
  });
  await crowd.open(port, CROWD);
  expect(await crowd.echoed("before")).toBe(CROWD);
  const old = running.process.pid as number;
  const startMs = performance.now();
  await handOver(running, old);
  // How long the next process takes to start is no part of the time to drain.
  const startedMs = performance.now() - startMs;
  await newcomers.open(port, 50);
  while (performance.now() - startMs < DRAIN_TIMEOUT_MS / 2) {
    expect(await crowd.echoed("while draining")).toBe(CROWD);
  }
  await eventually(
    async () => crowd.closed,
    (closed) => closed === CROWD,
  );
  const lifetimesMs = crowd.closedAtMs.map((atMs) => atMs - startMs);
  expect(Math.min(...lifetimesMs)).toBeGreaterThanOrEqual(DRAIN_TIMEOUT_MS);
  expect(Math.max(...lifetimesMs)).toBeLessThan(startedMs + DRAIN_TIMEOUT_MS + LATE_MS);
  await eventually(
    async () => isAlive(old),
    (alive) => !alive,
  );
  expect(running.process.exitCode).toBe(0);
  expect(await newcomers.echoed("after")).toBe(50);
});
