// Types what `limpet demo` prints into a shell, word for word.
import { spawn, spawnSync } from "node:child_process";
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
