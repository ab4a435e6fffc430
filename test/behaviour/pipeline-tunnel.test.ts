// Upgraded connections: bytes are spliced both ways until a side closes or both fall silent.
import { expect, test } from "vitest";
import { MemoryGateway } from "../support/memory-gateway.ts";
import type { MemoryTunnel } from "../support/memory-protocol.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);
const snapshot = snapshotOf({
  backends: [web],
  rules: [forwardRule([web], { session: cookieSession("home") })],
});

function upgraded() {
  const gateway = new MemoryGateway(snapshot, { tunnelTimeoutMs: 60_000 });
  const client = gateway.request({ upgrade: "websocket" });
  const there = gateway.endpoints.last.acceptUpgrade(["sec-websocket-accept", "x"]);
  return { gateway, client, here: client.tunnel as MemoryTunnel, there };
}

test("the 101 carries the session and is logged when the tunnel ends", () => {
  const { gateway, client, here, there } = upgraded();
  expect(client.response?.status).toBe(101);
  expect(client.responseFields("set-cookie")).toHaveLength(1);
  here.say("ping");
  there.say("pong!");
  expect([there.text, here.text]).toEqual(["ping", "pong!"]);
  expect(gateway.log).toEqual([]);
  here.sayEnd();
  expect(there.ended).toBe(true);
  here.vanish();
  there.vanish();
  expect(gateway.log).toMatchObject([{ status: 101, bytesIn: 4, bytesOut: 5, error: undefined }]);
  expect(gateway.sample("limpet_requests_in_flight")).toBe(0);
});

test("a slow side holds the other back", () => {
  const { here, there } = upgraded();
  there.slow = true;
  here.say("a lot");
  expect(here.paused).toBe(true);
  there.takeMore();
  expect(here.paused).toBe(false);
});

test("a side that vanishes takes the other with it", () => {
  const { gateway, here, there } = upgraded();
  there.vanish();
  expect(here.destroyed).toBe(true);
  expect(gateway.log).toHaveLength(1);
});

test("a tunnel that a limit cuts off is logged with the limit, whichever side closes last", () => {
  const { gateway, here, there } = upgraded();
  expect(gateway.sample("limpet_tunnels")).toBe(1);
  here.cut("write-timeout");
  expect(there.destroyed).toBe(true);
  expect(gateway.log).toMatchObject([{ status: 101, error: "write-timeout" }]);
  expect(gateway.sample("limpet_errors_total", { code: "write-timeout" })).toBe(1);
  expect(gateway.sample("limpet_tunnels")).toBe(0);
});

test("a side that said goodbye leaves the other time to read, but not for ever", () => {
  const { gateway, here, there } = upgraded();
  there.say("last words");
  there.sayEnd();
  there.vanish();
  expect(here).toMatchObject({ text: "last words", ended: true, destroyed: false });
  gateway.sweep();
  gateway.nowMs += 10_000;
  gateway.sweep();
  expect(here.destroyed).toBe(true);
  expect(gateway.log).toMatchObject([{ status: 101, error: undefined }]);
});

test("a side that is gone is not kept by the other, whatever that goes on saying to nobody", () => {
  const { gateway, here, there } = upgraded();
  here.sayEnd();
  here.vanish();
  for (let second = 0; second < 10; second += 1) {
    there.say("tick");
    gateway.sweep();
    gateway.nowMs += 1_000;
  }
  gateway.sweep();
  expect(there.destroyed).toBe(true);
  expect(gateway.sample("limpet_tunnels")).toBe(0);
  expect(gateway.log).toMatchObject([{ status: 101, bytesOut: 0, error: undefined }]);
});

test("a slow side has time for the last words, and to close once it has them", () => {
  const { gateway, here, there } = upgraded();
  here.slow = true;
  there.say("last words");
  there.sayEnd();
  there.vanish();
  gateway.sweep();
  for (const left of [9, 0]) {
    gateway.nowMs += 50_000;
    gateway.sweep();
    here.waitingBytes = left;
    gateway.sweep();
  }
  gateway.nowMs += 4_000;
  gateway.sweep();
  expect(here.destroyed).toBe(false);
  gateway.nowMs += 2_000;
  gateway.sweep();
  expect(here.destroyed).toBe(true);
});

test("a side that never takes them is not waited for either", () => {
  const { gateway, here, there } = upgraded();
  there.slow = true;
  here.say("last words");
  here.sayEnd();
  here.vanish();
  for (let count = 0; count < 2; count += 1) {
    expect(there.destroyed).toBe(false);
    gateway.sweep();
    gateway.nowMs += 60_000;
  }
  gateway.sweep();
  expect(there.destroyed).toBe(true);
  expect(gateway.sample("limpet_tunnels")).toBe(0);
});

test("silence ends it", () => {
  const { gateway, here, there } = upgraded();
  gateway.sweep();
  gateway.nowMs += 59_000;
  gateway.sweep();
  here.say("still here");
  gateway.nowMs += 2_000;
  gateway.sweep();
  expect(here.destroyed).toBe(false);
  gateway.nowMs += 60_000;
  gateway.sweep();
  expect([here.destroyed, there.destroyed]).toEqual([true, true]);
  expect(gateway.log).toMatchObject([{ error: "tunnel-timeout" }]);
});

test("an endpoint that declines the upgrade answers as usual", () => {
  const gateway = new MemoryGateway(snapshot);
  const client = gateway.request({ upgrade: "websocket" });
  gateway.endpoints.last.answer(403, [], "no");
  expect(client.response?.status).toBe(403);
  expect(client.body.text).toBe("no");
});
