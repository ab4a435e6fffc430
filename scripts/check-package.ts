// Packs the package, installs it into an empty folder as a user would, and uses what is in it: the command, the library, the dashboard.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "limpet-package-"));

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (result.error !== undefined || result.status !== 0) {
    throw new Error(
      `${command} ${args.join(" ")}: ${result.error?.message ?? result.stderr + result.stdout}`,
    );
  }
  return result.stdout.trim();
}

function expectEqual(what: string, actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`${what}: got ${actual}, expected ${expected}`);
  process.stdout.write(`${what}: ${actual}\n`);
}

try {
  const packed = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], ROOT)) as unknown;
  const { filename, version } = (Array.isArray(packed) ? packed[0] : Object.values(packed as object)[0]) as {
    filename: string;
    version: string;
  };
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  run("npm", ["install", "--no-audit", "--no-fund", join(folder, filename)], folder);

  expectEqual(
    "limpet --version",
    run(join(folder, "node_modules/.bin/limpet"), ["--version"], folder),
    version,
  );
  // xxHash64 of the empty string, seed 0: a constant of the algorithm.
  const library = 'import { xxh64 } from "limpet/affinity"; console.log(xxh64("").toString(16));';
  expectEqual(
    'xxh64("")',
    run(process.execPath, ["--input-type=module", "-e", library], folder),
    "ef46db3751d8e999",
  );
  const dashboard = readFileSync(join(folder, "node_modules/limpet/grafana/limpet.json"), "utf8");
  expectEqual("grafana/limpet.json", (JSON.parse(dashboard) as { title: string }).title, "Limpet");
  const crd = readFileSync(join(folder, "node_modules/limpet/crds/limpet.dev_affinitypolicies.yaml"), "utf8");
  expectEqual("crds", /^kind: (.*)$/m.exec(crd)?.[1] ?? "", "CustomResourceDefinition");
  const manifest = join(ROOT, "examples/istio-consistent-hash");
  const validated = run(
    join(folder, "node_modules/.bin/limpet"),
    ["validate", "-f", `${manifest}/backend.yaml`, `${manifest}/gateway.yaml`, `${manifest}/cookie.yaml`],
    folder,
  );
  process.stdout.write(`limpet validate: ${validated.split("\n").at(-1)}\n1 passed, 0 failed\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
