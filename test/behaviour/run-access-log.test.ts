// The access log of `limpet run` where its place is gone: traffic goes on, and so does the log once there is a place again.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { gatewayYaml } from "../support/manifests.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("a worker that dies while the folder of the log is gone is replaced, and SIGUSR1 has it write again", async () => {
  const port = await freePort();
  const folder = join(temporaryFolder(), "logs");
  mkdirSync(folder);
  const file = join(folder, "access.log");
  const running = await startGateway({
    files: { "gateway.yaml": gatewayYaml({ port }) },
    args: ["--access-log", file],
  });
  onTestFinished(async () => void (await running.stop()));
  rmSync(folder, { recursive: true });
  const { workers } = (await (await fetch(`${running.adminUrl}/snapshot`)).json()) as { workers: number[] };
  process.kill(workers[0] as number, "SIGKILL");
  await running.stderr.waitFor((line) => line.includes("the access log cannot be opened"), "its complaint");
  expect((await send(port, { path: "/unlogged" })).status).toBe(404);
  expect(await (await fetch(`${running.adminUrl}/metrics`)).text()).toContain(
    "limpet_access_log_dropped_lines_total 1\n",
  );
  mkdirSync(folder);
  running.process.kill("SIGUSR1");
  const text = await eventually(
    async () => {
      await send(port, { path: "/logged" });
      return readFileSync(file, { encoding: "utf8", flag: "a+" });
    },
    (read) => read.includes("/logged"),
  );
  expect(text).not.toContain("/unlogged");
});
