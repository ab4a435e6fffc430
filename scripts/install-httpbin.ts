// Installs the real httpbin with the server that it is made for, gunicorn, in a folder of its own, once.
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { pipInstall } from "./pip-install.ts";

export const HTTPBIN_VERSION = "0.10.4";

/** All that httpbin loads, so that what it is tested with stays the same. Only its workers on gevent would need greenlet. */
const PACKAGES = [
  `httpbin==${HTTPBIN_VERSION}`,
  "gunicorn==27.0.1",
  "blinker==1.9.0",
  "brotlicffi==1.2.1.0",
  "cffi==2.1.1",
  "click==8.5.1",
  "decorator==5.3.1",
  "flask==3.1.3",
  "itsdangerous==2.2.0",
  "jinja2==3.1.6",
  "markupsafe==3.0.4",
  "pycparser==3.12",
  "six==1.17.0",
  "werkzeug==3.1.9",
];

/** Folder for Python's `sys.path`; installs it if it is not there. Throws with pip's own words if that fails. */
export function installHttpbin(): string {
  const set = createHash("sha256").update(PACKAGES.join("\n")).digest("hex").slice(0, 8);
  return pipInstall(`httpbin-${HTTPBIN_VERSION}-${set}`, PACKAGES);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${installHttpbin()}\n`);
}
