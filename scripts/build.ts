// Makes dist/ for the npm package: JavaScript and types, with an executable entry.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const DIST = resolve(ROOT, "dist");

rmSync(DIST, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [resolve(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"],
  { cwd: ROOT, stdio: "inherit" },
);
if (tsc.status !== 0) process.exit(1);
chmodSync(resolve(DIST, "cli/bin.js"), 0o755);
