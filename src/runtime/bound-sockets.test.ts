// Sockets follow the bind points.
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../test/support/free-port.ts";
import { bindPoints } from "../dataplane/bind-points.ts";
import { EMPTY_SNAPSHOT, type Listener } from "../model/index.ts";
import { BoundSockets, bindFailureText, bindRefusalText } from "./bound-sockets.ts";

function points(...ports: number[]) {
  const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default", name: "edge" };
  const listeners = ports.map((port): Listener => {
    const name = `p${port}`;
    return { id: `Gateway/default/edge/${name}`, gateway, name, addresses: [], port, protocol: "HTTP" };
  });
  return bindPoints({ ...EMPTY_SNAPSHOT, listeners });
}

function sockets(portOffset = 0) {
  const bound = new BoundSockets({ listenAddress: "127.0.0.1", portOffset, workers: 1 });
  onTestFinished(() => bound.closeAll());
  return bound;
}

test("only what is missing is opened, only what is not wanted is closed", async () => {
  const [a, b, c] = (await freePorts(3)) as [number, number, number];
  const bound = sockets();
  expect([...bound.openMissing(points(a, b)).opened.keys()]).toEqual([String(a), String(b)]);
  const next = points(b, c);
  expect(bound.vanished(next)).toEqual([String(a)]);
  bound.close(bound.vanished(next));
  expect([...bound.openMissing(next).opened.keys()]).toEqual([String(c)]);
  expect([...bound.open.values()].map(({ socket }) => socket.port)).toEqual([b, c]);
});

test("a port that is taken is named with its listener, and the others are opened", async () => {
  const [taken, free] = (await freePorts(2)) as [number, number];
  // Only a listening socket blocks its address for others that allow reuse, as every server does.
  const other = (await import("node:net")).createServer();
  await new Promise<void>((resolve) => other.listen(taken, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  const bound = sockets();
  const { opened, failures } = bound.openMissing(points(taken, free));
  expect([...opened.keys()]).toEqual([String(free)]);
  expect(failures.map(bindFailureText)).toEqual([
    `Gateway/default/edge/p${taken}: cannot listen on 127.0.0.1:${taken}: the port is taken`,
  ]);
  expect([...bound.unbound.keys()]).toEqual([`Gateway/default/edge/p${taken}`]);
  bound.openMissing(points(free));
  expect(bound.unbound.size).toBe(0);
});

test("a port that needs a privilege is told with the flag that does without, and a port that is taken is not", () => {
  const failure = {
    listeners: ["Gateway/default/edge/http"],
    message: "cannot listen on [::]:80: not permitted",
  };
  expect(bindRefusalText({ ...failure, code: "EACCES" })).toBe(
    `${bindFailureText({ ...failure, code: "EACCES" })}; --port-offset 8000 makes port 80 into 8080`,
  );
  expect(bindRefusalText({ ...failure, code: "EADDRINUSE" })).not.toContain("--port-offset");
});

test("the offset is added, and may not lead beyond the last port", async () => {
  const [port] = (await freePorts(1)) as [number];
  const bound = sockets(port - 80);
  bound.openMissing(points(80));
  expect(bound.open.get("80")?.socket.port).toBe(port);
  expect(sockets(1).openMissing(points(65_535)).failures.map(bindFailureText)).toEqual([
    "Gateway/default/edge/p65535: cannot listen on 127.0.0.1:65536: the port is beyond 65535",
  ]);
});
