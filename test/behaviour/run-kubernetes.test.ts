// What `limpet run --kubernetes` does while there is no API server: it lives, says that it is not ready, and stops when told to.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { freePort, freePorts } from "../support/free-port.ts";
import { spawnGateway } from "../support/gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

function kubeconfig(port: number): string {
  const path = join(temporaryFolder(), "kubeconfig.yaml");
  writeFileSync(
    path,
    `apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://127.0.0.1:${port}"}}]
users: [{name: a, user: {token: secret-token}}]
`,
  );
  return path;
}

test("without an API server it waits, alive and not ready, until it is told to stop", async () => {
  const [nobody, admin] = (await freePorts(2)) as [number, number];
  const args = ["--kubernetes", "--kubeconfig", kubeconfig(nobody), "--admin", `127.0.0.1:${admin}`];
  const running = spawnGateway({ args });
  onTestFinished(async () => void (await running.stop()));
  await running.stderr.waitFor((line) => line.includes("the API server does not answer"), "the outage");
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${admin}${path}`)).status;
  expect(await status("/healthz")).toBe(200);
  expect(await status("/readyz")).toBe(503);
  const metrics = async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  await eventually(metrics, (text) => text.includes("limpet_kubernetes_api_server_up 0"));
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  expect(running.stderr.lines.join("\n")).not.toContain("secret-token");
});

test("a kubeconfig that cannot be used is told at once", async () => {
  const running = spawnGateway({
    args: ["--kubernetes", "--kubeconfig", "/nowhere/config", "--admin", `127.0.0.1:${await freePort()}`],
  });
  expect(await running.exited).toEqual({ code: 1, signal: null });
  expect(running.stderr.lines).toEqual(["error: --kubernetes: there is no kubeconfig at /nowhere/config"]);
});
