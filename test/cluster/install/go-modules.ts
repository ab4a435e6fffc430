// Programs and files out of Go modules, fetched and built with `go` in a throw-away module of our own.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface GoModule {
  readonly path: string;
  /** `v1.34.4`. */
  readonly version: string;
}

export interface GoBuild {
  readonly requires: readonly GoModule[];
  /** Module path -> version that stands in for every other one. */
  readonly replaces?: ReadonlyMap<string, string>;
  /** Import paths of main packages. */
  readonly packages: readonly string[];
  /** Import path of a string variable -> its value. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Writes the programs into `folder`. Rejects with what `go` said; `progress` gets a line now and then. */
export async function buildPrograms(
  { requires, replaces = new Map(), packages, variables = {} }: GoBuild,
  folder: string,
  progress: (line: string) => void,
): Promise<void> {
  needGo();
  const module = mkdtempSync(join(tmpdir(), "limpet-go-"));
  try {
    const lines = [
      "module limpet.dev/test-cluster",
      `go ${goVersion()}`,
      ...requires.map(({ path, version }) => `require ${path} ${version}`),
      ...[...replaces].map(([path, version]) => `replace ${path} => ${path} ${version}`),
    ];
    writeFileSync(join(module, "go.mod"), `${lines.join("\n")}\n`);
    const values = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
    const flags = ["-mod=mod", "-v", "-ldflags", `-s -w ${values.join(" ")}`, "-o", `${folder}/`];
    await go(["build", ...flags, ...packages], module, progress);
  } finally {
    rmSync(module, { recursive: true, force: true });
  }
}

/** Folder of the module's files, which are read-only. */
export function moduleFolder({ path, version }: GoModule): string {
  needGo();
  const result = spawnSync("go", ["mod", "download", "-json", `${path}@${version}`], {
    encoding: "utf8",
    cwd: tmpdir(),
    // A module of a newer Go brings the toolchain that it asks for, as a module too.
    env: { ...process.env, GOTOOLCHAIN: "auto" },
  });
  const answer = JSON.parse(result.stdout || "{}") as { Dir?: string; Error?: string };
  if (answer.Dir === undefined)
    throw new Error(`${path}@${version} cannot be had: ${answer.Error ?? result.stderr}`);
  return answer.Dir;
}

/** Text of the module's go.mod. */
export function goModOf({ path, version }: GoModule): string {
  needGo();
  const { stdout, stderr } = spawnSync(
    "go",
    ["list", "-m", "-f", "{{with .GoMod}}{{.}}{{end}}", `${path}@${version}`],
    { encoding: "utf8", cwd: tmpdir(), env: { ...process.env, GOFLAGS: "-mod=mod" } },
  );
  const file = stdout.trim();
  if (file === "") throw new Error(`${path}@${version} cannot be had: ${stderr.trim()}`);
  return readFileSync(file, "utf8");
}

/** Runs `go` in the background; rejects with what it said last. */
export function go(
  args: readonly string[],
  cwd: string,
  progress: (line: string) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  needGo();
  return new Promise((resolve, reject) => {
    // Niced: a first build takes all cores for minutes.
    const child = spawn("nice", ["-n", "10", "go", ...args], {
      cwd,
      env: { ...process.env, CGO_ENABLED: "0", ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    let packages = 0;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
      const before = packages;
      packages += text.split("\n").length - 1;
      if (Math.floor(before / 100) !== Math.floor(packages / 100)) progress(`${packages} packages so far`);
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`go ${args[0]} failed:\n${said}`)),
    );
  });
}

function goVersion(): string {
  return spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).stdout.trim().replace(/^go/, "");
}

function needGo(): void {
  if (spawnSync("go", ["version"]).error !== undefined)
    throw new Error(
      "The test cluster is built from Go modules: it needs Go 1.26 or later in PATH (go.dev/dl).",
    );
}
