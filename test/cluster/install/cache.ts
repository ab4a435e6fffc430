// The folder of what the test cluster is made of: each entry is made once, and whole or not at all.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve(import.meta.dirname, "../../../.cache/kubernetes");

/**
 * Path of the entry; `make` fills its folder if it is not there yet. Safe with several makers at a time: the first wins.
 * @param name says all that decides what is in it, versions above all
 */
export async function cached(name: string, make: (folder: string) => Promise<void> | void): Promise<string> {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await make(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    // Somebody else may have been faster, with the same things.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
