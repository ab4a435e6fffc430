// Several workers as one gateway: they share the clients, and one that dies takes nobody but its own with it.
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { SteadyClients } from "../support/steady-clients.ts";

const GET = "GET / HTTP/1.1\r\nhost: www.example.com\r\n\r\n";

async function gateway(args: readonly string[] = []): Promise<Gateway & { port: number }> {
  const server = createServer((_, response) => response.end("here"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = (server.address() as AddressInfo).port;
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([endpoint]) };
  const running = await startGateway({ files, args: ["--access-log", "off", ...args] });
  onTestFinished(async () => {
    await running.stop();
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(running, { port });
}

async function workersOf(running: Gateway): Promise<number[]> {
  const page = await fetch(`${running.adminUrl}/snapshot`);
  return ((await page.json()) as { workers: number[] }).workers;
}

/** A client that keeps its connection, for as long as somebody is at the other end. */
class KeptClient {
  readonly socket: Socket;
  open = true;
  #heard: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", () => this.#heard());
    this.socket.once("close", () => {
      this.open = false;
      this.#heard();
    });
  }

  /** False: the connection broke. */
  async ask(): Promise<boolean> {
    const heard = new Promise<void>((resolve) => {
      this.#heard = resolve;
    });
    this.socket.write(GET);
    await heard;
    return this.open;
  }
}

test("a worker that is killed takes its own clients with it, its neighbour's notice nothing, and no newcomer waits", async () => {
  const running = await gateway(["--workers", "2"]);
  const clients = Array.from({ length: 40 }, () => new KeptClient(running.port));
  onTestFinished(() => {
    for (const client of clients) client.socket.destroy();
  });
  await Promise.all(clients.map((client) => client.ask()));
  const fresh = new SteadyClients({ port: running.port, clients: 2, connections: "new" });
  await fresh.progress(20);
  const before = await workersOf(running);
  process.kill(before[1] as number, "SIGKILL");
  const rounds = [];
  for (let round = 0; round < 10; round++) {
    const asked = clients.filter((client) => client.open);
    rounds.push(await Promise.all(asked.map((client) => client.ask())));
  }
  await eventually(
    () => workersOf(running),
    (now) => now.length === 2 && now[1] !== before[1],
  );
  await fresh.progress(20);
  const failures = await fresh.stop();
  // What one of them had sent to the worker when it died is lost with it; no newcomer is refused or left waiting.
  expect(failures.length).toBeLessThanOrEqual(2);
  expect(failures.filter((failure) => failure !== "ECONNRESET")).toEqual([]);
  const survivors = clients.filter((client) => client.open).length;
  // 20 are expected and 3 deviate: beyond 6 deviations once in 10^9 runs.
  expect(survivors).toBeGreaterThan(1);
  expect(survivors).toBeLessThan(39);
  expect(rounds.at(-1)).toEqual(Array(survivors).fill(true));
});

test("while a worker's replacement backs off, its neighbour takes its newcomers", async () => {
  const running = await gateway(["--workers", "2"]);
  // Dying young again and again makes the replacement wait longer each time.
  const dead = new Set<number>();
  while (dead.size < 3) {
    // Somebody who was killed is listed for a moment yet: two must be there who were not.
    const [, victim] = await eventually(
      () => workersOf(running),
      (workers) => workers.length === 2 && workers.every((worker) => !dead.has(worker)),
    );
    process.kill(victim as number, "SIGKILL");
    dead.add(victim as number);
  }
  const fresh = new SteadyClients({ port: running.port, clients: 4, connections: "new" });
  await fresh.progress(100);
  const failures = await fresh.stop();
  expect(failures.filter((failure) => failure !== "ECONNRESET")).toEqual([]);
});

test("not ready from the signal on, and accepting until the delay is over", async () => {
  const running = await gateway(["--drain-delay", "4s"]);
  expect((await fetch(`${running.adminUrl}/readyz`)).status).toBe(200);
  running.process.kill("SIGTERM");
  await running.stderr.waitFor((line) => line.includes("draining"), "draining");
  expect((await fetch(`${running.adminUrl}/readyz`)).status).toBe(503);
  expect((await send(running.port)).status).toBe(200);
  expect(await running.exited).toEqual({ code: 0, signal: null });
});
