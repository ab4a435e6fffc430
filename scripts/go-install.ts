// Builds programs of Go modules for the longer tests, each in a folder of its own under .cache, once.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "..", ".cache");

/**
 * Path of the program. Building takes minutes the first time.
 * Throws with Go's own words if it cannot be built.
 * @param program import path of its main package, such as `sigs.k8s.io/kustomize/kustomize/v5`
 * @param name what the program is called
 * @param version such as `v5.8.3`
 */
export function goInstall(program: string, name: string, version: string): string {
  const folder = resolve(CACHE, `${name}-${version}`);
  const binary = resolve(folder, name);
  if (existsSync(binary)) return binary;
  process.stderr.write(`building ${name} ${version}, once\n`);
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const go = spawnSync("go", ["install", "-trimpath", "-ldflags=-s -w", `${program}@${version}`], {
    encoding: "utf8",
    // A module may ask for a newer Go than the machine's, which Go fetches by itself.
    env: { ...process.env, GOBIN: unfinished, CGO_ENABLED: "0", GOTOOLCHAIN: "auto" },
  });
  if (go.error !== undefined || go.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(
      `${name} ${version} could not be built: ${go.error?.message ?? go.stderr.trim()}. ` +
        `It is the Go module ${program} and needs go.`,
    );
  }
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Somebody else was faster, with the same version.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(binary)) throw error;
  }
  return binary;
}

/** Whether programs can be built here at all. */
export function hasGo(): boolean {
  return spawnSync("go", ["version"]).status === 0;
}
