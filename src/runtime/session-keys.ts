// The file of session keys: read and judged, for the gateway and for every command that takes one.
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { KEY_SIZE, KeyFileError, keyLine, parseKeyFile } from "../affinity/token/key-file.ts";
import { KeyRing } from "../affinity/token/key-ring.ts";
import { systemReason } from "./file-source.ts";

export interface LoadedKeys {
  /** The secret itself, base64, in the order of the file: for the channel to a worker and for nothing else. */
  readonly lines: readonly string[];
  readonly ring: KeyRing;
  /** What an operator should do about the file; undefined: nothing. */
  readonly warning: string | undefined;
}

/** A key file that cannot be used. The message begins with `path:line`, and shows nothing of what the file holds. */
export class SessionKeyError extends Error {}

/** A file of keys is a few lines; whatever is larger is another file. */
const MAX_FILE_SIZE = 64 * 1024;
const ANYBODY = 0o007;

/** Rejects with a SessionKeyError. */
export async function readSessionKeys(path: string): Promise<LoadedKeys> {
  const { text, mode } = await readSmallFile(path);
  return { ...sessionKeysOf(text, path), warning: modeWarning(path, mode) };
}

/**
 * @param text of a key file
 * @param place where it came from
 * @throws SessionKeyError
 */
export function sessionKeysOf(text: string, place: string): LoadedKeys {
  try {
    return loadedKeys(parseKeyFile(text));
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    throw new SessionKeyError(
      `${error.line === undefined ? place : `${place}:${error.line}`}: ${error.reason}`,
    );
  }
}

/** One key that nobody else has. */
export function makeSessionKeys(): LoadedKeys {
  return loadedKeys([randomBytes(KEY_SIZE)]);
}

function loadedKeys(keys: readonly Buffer[]): LoadedKeys {
  return { lines: keys.map(keyLine), ring: new KeyRing(keys, randomBytes), warning: undefined };
}

async function readSmallFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    const { size, mode } = await stat(path);
    if (size <= MAX_FILE_SIZE) return { text: await readFile(path, "utf8"), mode };
  } catch (error) {
    throw new SessionKeyError(`${path}: ${systemReason(error)}`);
  }
  throw new SessionKeyError(`${path}: larger than ${MAX_FILE_SIZE} bytes, which no file of keys is`);
}

function modeWarning(path: string, mode: number): string | undefined {
  if ((mode & ANYBODY) === 0) return undefined;
  const octal = (mode & 0o777).toString(8);
  const advice = "chmod 600 it (a Kubernetes Secret: defaultMode 0440, with an fsGroup)";
  return `${path} has mode ${octal}, so that anybody on this machine may learn or change the keys: ${advice}`;
}
