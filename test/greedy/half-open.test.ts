// Clients of which only one half is there: who still waits is answered, who is gone is noticed.
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { AttackedGateway, untilPutOut } from "../support/greedy.ts";
import { startLoopbackGateway } from "../support/loopback-gateway.ts";
import { startRawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw-client.ts";
import { backend, snapshotOf } from "../support/snapshots.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

test("clients that end their side behind their requests get all the answers, and then the end", async () => {
  const gateway = await AttackedGateway.start();
  const clients = gateway.attackers(50);
  for (const client of clients) client.socket.end(GET.repeat(3));
  const answers = await gateway.serves(untilPutOut(clients));
  for (const answer of answers) expect(answer.match(/\r\n\r\nok/g)).toHaveLength(3);
});

test("clients that end their side and then vanish are noticed, although their endpoint is silent", async () => {
  const gateway = await AttackedGateway.start();
  const clients = gateway.attackers(50);
  for (const client of clients) client.socket.end("GET /hang HTTP/1.1\r\nhost: a\r\n\r\n");
  await expect.poll(() => gateway.metric("limpet_requests_in_flight")).toBe(50);
  for (const client of clients) client.socket.resetAndDestroy();
  const lines = await gateway.serves(gateway.logged("client-closed", clients.length));
  expect(lines.map(({ status }) => status)).toEqual(clients.map(() => 499));
  expect(await gateway.metric("limpet_requests_in_flight")).toBe(0);
});

test("clients that end their side within a request are put out", async () => {
  const gateway = await AttackedGateway.start();
  const clients = gateway.attackers(50);
  for (const [index, client] of clients.entries()) {
    client.socket.end(
      index % 2 === 0 ? "GET / HT" : "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf",
    );
  }
  const answers = await gateway.serves(untilPutOut(clients));
  expect(answers.join("")).not.toContain("HTTP/1.1 200");
});

test("the kernel asks both peers of a silent tunnel whether they are there", async () => {
  const origin = await startRawOrigin((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    });
  });
  const gateway = await startLoopbackGateway(snapshotOf({ backends: [backend("web", [origin])] }));
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  await client.until((text) => text.startsWith("HTTP/1.1 101 "));
  const { port } = client.socket.address() as AddressInfo;
  const toClient = () => hasKeepaliveTimer(({ local, remote }) => local === gateway.port && remote === port);
  const toOrigin = () => hasKeepaliveTimer(({ remote }) => remote === origin.port);
  await expect.poll(() => [toClient(), toOrigin()]).toEqual([true, true]);
  expect(hasKeepaliveTimer(({ local }) => local === port)).toBe(false);
});

/** Whether a connection of this machine has the kernel's keepalive timer running: proc_net_tcp.txt, timer_active 2. */
function hasKeepaliveTimer(isIt: (ports: { local: number; remote: number }) => boolean): boolean {
  const rows = readFileSync("/proc/net/tcp", "latin1").trim().split("\n").slice(1);
  return rows.some((row) => {
    const [, local = "", remote = "", , , timer = ""] = row.trim().split(/\s+/);
    return isIt({ local: portOf(local), remote: portOf(remote) }) && timer.startsWith("02:");
  });
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(":") + 1), 16);
}
