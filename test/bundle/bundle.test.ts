// The bundle in a folder of its own, where no package can be found: it has to be everything that Limpet is.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Bundle, makeBundle } from "../../scripts/bundle.ts";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startReplica } from "../support/replica.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const EXAMPLE = join(ROOT, "examples/istio-consistent-hash");

let folder: string;
let bundle: Bundle;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "limpet-bundle-"));
  bundle = await makeBundle(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function limpet(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle.program, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("it asks for nothing but Node.js itself, and for the peer that whoever traces brings", () => {
  expect(bundle.outside.filter((name) => !isBuiltin(name))).toEqual(["@opentelemetry/api"]);
});

test("it knows its version without a package file", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(limpet("--version").trim()).toBe(version);
});

test("it explains", () => {
  const files = ["backend", "gateway", "cookie"].flatMap((name) => ["-f", join(EXAMPLE, `${name}.yaml`)]);
  const explanation = limpet("explain", ...files, "--request", "GET http://127.0.0.1:8080/", "--json");
  expect(JSON.parse(explanation)).toMatchObject({ endpoint: expect.stringMatching(/^127\.0\.0\.1:300\d$/) });
});

test("it serves, with workers that are the same file, and replaces one that dies", async () => {
  const replica = await startReplica("sample-1");
  const port = await freePort();
  const files = { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sampleYaml([replica.port]) };
  const gateway = await startGateway({ files, program: bundle.program, args: ["--access-log", "off"] });
  onTestFinished(async () => void (await gateway.stop()));
  expect((await send(port)).body).toBe("sample-1");
  const workers = async () =>
    ((await (await fetch(`${gateway.adminUrl}/snapshot`)).json()) as { workers: number[] }).workers;
  const [first = 0] = await workers();
  expect(readFileSync(`/proc/${first}/cmdline`, "utf8")).toContain(bundle.program);
  process.kill(first, "SIGKILL");
  await eventually(workers, ([second]) => second !== undefined && second !== first);
  await eventually(
    () => send(port).catch(() => ({ body: "" })),
    ({ body }) => body === "sample-1",
  );
  expect((await gateway.stop()).code).toBe(0);
});

test("the licence of everything inside is beside it", () => {
  const texts = readFileSync(bundle.licences, "utf8");
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(bundle.packages).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  for (const name of bundle.packages) expect(texts).toMatch(new RegExp(`^${name} \\d[^\\n]*: \\S`, "m"));
  expect(texts).toContain("Permission is hereby granted");
});
