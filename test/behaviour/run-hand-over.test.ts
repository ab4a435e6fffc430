// SIGUSR2 puts a new process in the place of the old one while clients go on as if nothing had happened.
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { startReplicas } from "../../src/demo/replicas.ts";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { handOver, isAlive, stopAll } from "../support/hand-over.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { SteadyClients } from "../support/steady-clients.ts";
import { WebSocketCrowd } from "../support/websocket-crowd.ts";

async function gateway(args: readonly string[] = []): Promise<Gateway & { port: number }> {
  const { replicas, stop } = await startReplicas({ count: 2, host: "127.0.0.1", ports: [], log: () => {} });
  const port = await freePort();
  const endpoints = replicas.map(({ address }) => Number(address.split(":")[1]));
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml(endpoints) };
  const running = await startGateway({ files, args });
  onTestFinished(async () => {
    await stopAll(running);
    await stop();
  });
  return Object.assign(running, { port });
}

async function echo(socket: WebSocket, text: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    socket.once("message", (data) => resolve(String(data)));
    socket.once("close", (code) => reject(new Error(`closed with ${code}`)));
  });
  socket.send(text);
  return answer;
}

test("three hand-overs under load: no request fails, and the old processes keep their WebSockets", {
  timeout: 180_000,
}, async () => {
  // Longer than three processes take to start where every client asks without a pause.
  const running = await gateway(["--workers", "2", "--drain-timeout", "2m", "--access-log", "off"]);
  const first = running.process.pid as number;
  const kept = new SteadyClients({ port: running.port, clients: 4, connections: "kept" });
  const fresh = new SteadyClients({ port: running.port, clients: 4, connections: "new" });
  const pids = [first];
  const sockets: WebSocket[] = [];
  for (let round = 0; round < 3; round++) {
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}/ws`);
    await new Promise((resolve) => socket.once("open", resolve));
    sockets.push(socket);
    pids.push(await handOver(running, pids.at(-1) as number));
    await Promise.all([kept.progress(50), fresh.progress(50)]);
  }
  expect(await kept.stop()).toEqual([]);
  expect(await fresh.stop()).toEqual([]);
  for (const socket of sockets) expect(await echo(socket, "still here")).toContain("still here");
  expect(pids.map(isAlive)).toEqual([true, true, true, true]);
  for (const socket of sockets) socket.close();
  expect(
    await eventually(
      async () => pids.map(isAlive),
      (alive) => !alive.slice(0, 3).some(Boolean),
    ),
  ).toEqual([false, false, false, true]);
  expect(running.process.exitCode).toBe(0);
  expect((await send(running.port)).status).toBe(200);
  expect((await fetch(`${running.adminUrl}/readyz`)).status).toBe(200);
});

test("a successor that cannot start leaves everything as it is, and says why", async () => {
  const running = await gateway();
  running.write("gateway.yaml", "not: [yaml");
  process.kill(running.process.pid as number, "SIGUSR2");
  await running.stderr.waitFor((line) => line.includes("the successor does not serve"), "its failure");
  expect(running.stderr.lines.some((line) => /^error: .*gateway\.yaml:\d+:\d+: /.test(line))).toBe(true);
  expect((await send(running.port)).status).toBe(200);
  running.write("gateway.yaml", gatewayYaml({ port: running.port }));
  await handOver(running, running.process.pid as number);
  expect((await send(running.port)).status).toBe(200);
});

test("a hundred WebSockets go through a hand-over, and are closed when the time to drain is over", async () => {
  const running = await gateway(["--drain-timeout", "5s", "--access-log", "off"]);
  const crowd = new WebSocketCrowd();
  onTestFinished(() => crowd.end());
  await crowd.open(running.port, 100);
  const startMs = performance.now();
  await handOver(running, running.process.pid as number);
  expect(crowd.closed).toBe(0);
  await eventually(
    async () => crowd.closed,
    (closed) => closed === 100,
  );
  expect((crowd.closedAtMs[0] ?? 0) - startMs).toBeGreaterThanOrEqual(5_000);
  expect((await send(running.port)).status).toBe(200);
});
