// `limpet explain` against a gateway that runs: what it says is what the gateway does, with keys that stay there.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startReplicas } from "../../src/demo/replicas.ts";
import type { Explanation } from "../../src/inspect/explanation.ts";
import { cookiePair, send } from "../support/client.ts";
import { limpet } from "../support/command-line.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

const folder = mkdtempSync(join(tmpdir(), "limpet-explain-"));
const key = randomBytes(32).toString("base64");
let gateway: Gateway;
let port: number;
let stopReplicas: () => Promise<void>;

/** Sealed sessions in front of three replicas; clients use the port 10 above the listener's. */
beforeAll(async () => {
  const { replicas, stop } = await startReplicas({ count: 3, host: "127.0.0.1", ports: [], log: () => {} });
  stopReplicas = stop;
  port = await freePort();
  const sample = sampleYaml(replicas.map((replica) => replica.port)).replace(
    "- backendRefs",
    "- name: all\n      sessionPersistence: {sessionName: home}\n      backendRefs",
  );
  const keys = join(folder, "keys");
  writeFileSync(keys, `${key}\n`, { mode: 0o600 });
  gateway = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port: port - 10 }), "sample.yaml": sample },
    args: ["--session-keys", keys, "--port-offset", "10", "--workers", "2"],
  });
});

afterAll(async () => {
  await gateway.stop();
  await stopReplicas();
  rmSync(folder, { recursive: true });
});

async function explain(...args: string[]): Promise<Explanation> {
  const url = `GET http://127.0.0.1:${port}/get`;
  const answer = await limpet("explain", "--admin", gateway.adminUrl, "--request", url, "--json", ...args);
  expect(answer).toMatchObject({ code: 0, error: "" });
  expect(answer.out).not.toContain(key);
  return JSON.parse(answer.out) as Explanation;
}

test("a sealed session is opened where its keys are, and leads where the gateway's own requests go", async () => {
  const cookie = cookiePair((await send(port)).setCookie[0]);
  await send(port, { path: "/get?kept", headers: { cookie } });
  const line = await gateway.waitForAccess(({ path }) => path === "/get?kept");
  const told = await explain("-H", `cookie: ${cookie}`);
  expect(told).toMatchObject({
    endpoint: line.upstream_addr,
    backend: line.backend,
    outcome: "kept",
    source: "session",
    reason: line.affinity?.reason,
  });
  const [token] = told.stages.affinity?.sessions[0]?.tokens ?? [];
  expect(token).toMatchObject({ format: "sealed", endpoint: line.upstream_addr, verdict: "followed" });
  expect(token?.keyId).toMatch(/^[0-9a-f]{8}$/);
});

test("/snapshot says who declares a session, and holds no key", async () => {
  const text = await (await fetch(`${gateway.adminUrl}/snapshot`)).text();
  const { snapshot } = JSON.parse(text);
  const { session } = snapshot.routes[0].rules[0];
  expect(session.origin).toMatchObject({
    declaredBy: "HTTPRoute/default/all spec.rules[0].sessionPersistence",
    overrides: [],
  });
  expect(session.token).toEqual({ format: "sealed", identity: "uid" });
});

test("a port that no listener has, and an admin port that nobody answers on, are one line and exit code 1", async () => {
  const admin = gateway.adminUrl;
  const other = await limpet("explain", "--admin", admin, "--request", "GET http://127.0.0.1:1/");
  expect(other.code).toBe(1);
  expect(other.error).toMatch(
    /^error: http:\/\/127\.0\.0\.1:\d+ answers 400: no listener has the port 1 of the URL/,
  );
  const closed = `http://127.0.0.1:${await freePort()}`;
  const nobody = await limpet("explain", "--admin", closed, "--request", "GET http://127.0.0.1:1/");
  expect(nobody).toMatchObject({ code: 1, out: "" });
  expect(nobody.error.split("\n")).toHaveLength(2);
});

test("who drains at the gateway takes no new sessions, by what it explains too", async () => {
  const [leaving = ""] = (await explain()).candidates.map(({ endpoint }) => endpoint ?? "");
  const drain = await fetch(`${gateway.adminUrl}/api/drains?endpoint=${leaving}`, { method: "POST" });
  expect(drain.status).toBe(200);
  const told = await explain();
  expect(told.candidates).toHaveLength(2);
  expect(told.stages.endpoint?.endpoints.find(({ address }) => address === leaving)).toMatchObject({
    health: "draining",
    serves: false,
  });
});
