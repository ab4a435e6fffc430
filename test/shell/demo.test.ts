// Types what `limpet demo` prints into a shell, word for word.
import { spawn, spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { BIN } from "../support/gateway.ts";
import { LineCollector } from "../support/line-collector.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("the printed commands show what the lines above them say", async () => {
  const port = String(await freePort());
  const child = spawn(process.execPath, [BIN, "demo", "--port", port, "--admin", "off"]);
  const exited = new Promise((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const out = new LineCollector("stdout", child.stdout);
  await out.waitFor((line) => line.startsWith("Ctrl-C"), "the end of the welcome");
  const commands = out.lines.filter((line) => /^ {4}(for|home=)/.test(line));
  expect(commands).toHaveLength(5);

  const script = commands.map((command) => `${command}\necho ----`).join("\n");
  const shell = spawnSync("bash", ["-euo", "pipefail", "-c", script], {
    cwd: temporaryFolder(),
    encoding: "utf8",
  });
  expect(shell.stderr).toBe("");
  const [spread, cookie, begin, header, hash] = shell.stdout
    .split("----\n")
    .map((text) => text.split("\n").filter((line) => line.includes('"pod"')));
  // All six on one of four replicas by chance: once in a thousand runs, so this says only that they are answered.
  expect(spread).toHaveLength(6);
  expect(begin).toEqual([]);
  for (const answers of [cookie, header, hash]) {
    expect(answers).toHaveLength(6);
    expect(new Set(answers).size).toBe(1);
  }
});

test("with -f the demo plays a tutorial: its replicas are where the manifests of examples/ expect them", async () => {
  const example = resolve(import.meta.dirname, "../../examples/gloo-stateful-session");
  const files = ["backend.yaml", "gateway.yaml", "header.yaml"].map((file) => join(example, file));
  const child = spawn(process.execPath, [BIN, "demo", "--admin", "off", "-f", ...files]);
  const exited = new Promise((done) => child.once("close", done));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const out = new LineCollector("stdout", child.stdout);
  await out.waitFor((line) => line.startsWith("Ctrl-C"), "the end of the welcome");
  const curl = spawnSync(
    "curl",
    ["-si", "http://127.0.0.1:8080/headers", "-H", "host: www.example.com:8080"],
    {
      encoding: "utf8",
    },
  );
  expect(curl.stdout).toMatch(/^x-session-id: [A-Za-z0-9+/]+=*\r$/m);
  await out.waitFor((line) => /status=200 method="GET" uri="\/headers"/.test(line), "the replica's log line");
});
