// Sockets that one process binds and another accepts on.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { addressText, adoptSocket, BindError, bindSocket } from "./listening-socket.ts";

/** Reads what a server says to a new connection. */
async function greeting(port: number): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += chunk;
  return text;
}

/** Accepts on the handle that it gets and says its pid. */
const ACCEPTOR = `
process.on("message", (message, handle) => {
  const server = require("node:net").createServer((socket) => socket.end(String(process.pid)));
  server.listen(handle, () => process.send("listening"));
});
process.on("disconnect", () => process.exit());
`;

test("another process accepts on it, and connections wait while none does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "limpet-socket-"));
  const script = join(folder, "acceptor.cjs");
  writeFileSync(script, ACCEPTOR);
  const socket = bindSocket("127.0.0.1", 0);
  const children: ReturnType<typeof fork>[] = [];
  onTestFinished(async () => {
    socket.close();
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true });
  });
  const acceptor = async () => {
    const child = fork(script);
    children.push(child);
    child.send("accept", socket.handles[0] as net.Server);
    await once(child, "message");
    return child;
  };
  const first = await acceptor();
  expect(await greeting(socket.port)).toBe(String(first.pid));
  first.kill("SIGKILL");
  await once(first, "exit");
  const waiting = greeting(socket.port);
  const second = await acceptor();
  expect(await waiting).toBe(String(second.pid));
});

/** Connections that each of several acceptors on one address gets, of so many. */
async function dealtOut(handles: readonly object[], port: number, count: number): Promise<number[]> {
  const counts = handles.map(() => 0);
  const servers = handles.map((handle, index) => {
    const server = net.createServer((connection) => {
      counts[index] = (counts[index] ?? 0) + 1;
      connection.end("here");
    });
    onTestFinished(() => void server.close());
    return server.listen(handle);
  });
  await Promise.all(servers.map((server) => once(server, "listening")));
  await Promise.all(Array.from({ length: count }, () => greeting(port)));
  return counts;
}

test.runIf(process.platform === "linux")("several queues share the connections of one address", async () => {
  const socket = bindSocket("127.0.0.1", 0, 4);
  expect(socket.handles).toHaveLength(4);
  const counts = await dealtOut(socket.handles, socket.port, 400);
  expect(counts.reduce((sum, count) => sum + count)).toBe(400);
  // Each expects 100 and deviates by 9: beyond 10 deviations once in 10^23 runs.
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(90);
});

test("several queues still say that a port is taken", async () => {
  const port = await freePort();
  const gateway = bindSocket("127.0.0.1", port, 2);
  const server = net.createServer().listen(gateway.handles[0]);
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    gateway.close();
  });
  expect(() => bindSocket("127.0.0.1", port, 2)).toThrow(
    `cannot listen on 127.0.0.1:${port}: the port is taken`,
  );
});

test("what another has bound is taken over with its address", async () => {
  const socket = bindSocket("127.0.0.1", 0, 2);
  const adopted = adoptSocket(socket.handles);
  onTestFinished(() => socket.close());
  expect([adopted.address, adopted.port]).toEqual([socket.address, socket.port]);
  expect(adopted.handles).toEqual(socket.handles);
});

test("all addresses means IPv4 too", async () => {
  const socket = bindSocket(undefined, 0);
  const server = net.createServer((connection) => connection.end("here"));
  onTestFinished(() => {
    server.close();
    socket.close();
  });
  server.listen(socket.handles[0]);
  await once(server, "listening");
  expect(await greeting(socket.port)).toBe("here");
  expect(socket.address).toMatch(/^(\[::\]|0\.0\.0\.0):\d+$/);
});

test("a port that is taken is said at once", async () => {
  const port = await freePort();
  const other = net.createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  expect(() => bindSocket("127.0.0.1", port)).toThrow(
    `cannot listen on 127.0.0.1:${port}: the port is taken`,
  );
});

test("an address of another machine is said at once", () => {
  expect(() => bindSocket("192.0.2.1", 0)).toThrow(BindError);
});

test("names are no addresses", () => {
  expect(() => bindSocket("localhost", 0)).toThrow("localhost is not an IP address");
});

test("IPv6 addresses stand in brackets", () => {
  expect(addressText("::1", 80)).toBe("[::1]:80");
  expect(addressText("127.0.0.1", 80)).toBe("127.0.0.1:80");
});
