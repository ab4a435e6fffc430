// The connections of one bind point as a whole: none outlives its end, and places are looked for in turn.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { MemorySocket, settle, socketOf } from "../../../test/support/memory-socket.ts";
import { ServerHarness } from "../../../test/support/server-harness.ts";
import { GRACE_MS } from "./server-deadlines.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const COUNT = 200;

/** Serves a request to each of many clients and closes them. */
async function comeAndGo(harness: ServerHarness): Promise<WeakRef<MemorySocket>[]> {
  const gone: WeakRef<MemorySocket>[] = [];
  for (let count = 0; count < COUNT; count += 1) {
    const socket = new MemorySocket();
    harness.server.accept(socketOf(socket));
    socket.deliver("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.destroy();
    gone.push(new WeakRef(socket));
  }
  await settle();
  harness.requests.length = 0;
  return gone;
}

test("nothing holds a connection that is closed, whether or not its place was needed", async () => {
  const harness = new ServerHarness();
  harness.server.makeRoom();
  const gone = await comeAndGo(harness);
  expect(harness.server.connections).toBe(1);
  // A weak reference lives on to the end of the turn that made or read it.
  await settle();
  collectGarbage();
  const held = gone.filter((socket) => socket.deref() !== undefined).length;
  // The last of them may still be in a register or two.
  expect(held).toBeLessThan(COUNT / 10);
});

test("places are taken from idle connections in turn", async () => {
  const harness = new ServerHarness();
  const others = Array.from({ length: 3 }, () => new MemorySocket());
  for (const socket of others) harness.server.accept(socketOf(socket));
  harness.pass(GRACE_MS * 2);
  for (let left = 4; left > 0; left -= 1) {
    expect(harness.server.connections).toBe(left);
    expect(harness.server.makeRoom()).toBe(true);
    await settle();
  }
  expect(harness.server.makeRoom()).toBe(false);
});
