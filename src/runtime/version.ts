// Limpet's own version, from its package file.
import { readFileSync } from "node:fs";

const PACKAGE_FILE = new URL("../../package.json", import.meta.url);

export const LIMPET_VERSION: string = (JSON.parse(readFileSync(PACKAGE_FILE, "utf8")) as { version: string })
  .version;
