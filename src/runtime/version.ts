// Limpet's own version, from its package file.
import { readFileSync } from "node:fs";
import { BUNDLED_VERSION } from "./bundle.ts";

export const LIMPET_VERSION: string = BUNDLED_VERSION ?? versionOfPackage();

function versionOfPackage(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
