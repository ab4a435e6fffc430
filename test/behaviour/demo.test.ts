// `limpet demo` as a newcomer meets it: what it prints is true.
import { spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { claimedKeyId } from "../../src/affinity/token/key-ring.ts";
import { cookiePair, replicasOf, send, sendMany, spread } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { BIN } from "../support/gateway.ts";
import { LineCollector } from "../support/line-collector.ts";

function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [BIN, "demo", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  return {
    out: new LineCollector("stdout", child.stdout),
    error: new LineCollector("stderr", child.stderr),
    exited,
  };
}

test("requests spread, and cookie, header and hash each bring a client home", async () => {
  const port = await freePort();
  const { out } = startDemo("--port", String(port), "--admin", "off");
  await out.waitFor((line) => line.startsWith("Ctrl-C"), "the end of the welcome");
  expect(out.lines[0]).toBe(`Limpet is on http://127.0.0.1:${port}, in front of 4 replicas:`);

  expect((await spread(port)).length).toBeGreaterThan(1);
  const first = await send(port);
  const cookie = cookiePair(first.setCookie[0]);
  expect(claimedKeyId(cookie.slice('home="'.length, -1))).toMatch(/^[0-9a-f]{8}$/);
  expect(replicasOf(await sendMany(port, 8, { headers: { cookie } }))).toEqual([first.replica]);
  const path = "/anything/header";
  const begun = await send(port, { path });
  const headers = { "x-home": begun.headers["x-home"] as string };
  expect(replicasOf(await sendMany(port, 8, { path, headers }))).toEqual([begun.replica]);
  const hashed = await sendMany(port, 8, { path: "/anything/hash", headers: { "x-user": "ada" } });
  expect(replicasOf(hashed)).toHaveLength(1);
});

test("a port that is taken is one line that names the flag", async () => {
  const port = await freePort();
  const first = startDemo("--port", String(port), "--admin", "off");
  await first.out.waitFor((line) => line.startsWith("Ctrl-C"), "the end of the welcome");
  const second = startDemo("--port", String(port), "--admin", "off");
  expect(await second.exited).toBe(1);
  expect(second.error.lines).toEqual([
    `error: cannot listen on 127.0.0.1:${port}: the port is taken; choose another with --port N`,
  ]);
});
