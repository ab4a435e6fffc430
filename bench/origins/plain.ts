// The origin of the plain rows: nginx on five ports, far cheaper for each request than any proxy in front of it.
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOAD_CORE, start } from "../children.ts";
import { nginxArgs, writeNginx } from "../peers/nginx.ts";

export const DOWNLOAD_BYTES = 1024 * 1024;

/** What `/whoami` tells: which endpoint it is, and what the proxy said about client and request. */
export interface WhoAmI {
  readonly port: number;
  readonly forwardedFor: string;
  readonly requestId: string;
}

export function startPlainOrigin(folder: string, ports: readonly number[]): ChildProcess {
  writeFileSync(join(folder, "download"), Buffer.alloc(DOWNLOAD_BYTES, "x"));
  const listens = ports.map((port) => `    listen 127.0.0.1:${port} backlog=1024;\n`);
  writeNginx(
    folder,
    `  default_type text/plain;
  sendfile on;
  open_file_cache max=8;
  server {
${listens.join("")}    root ${folder};
    location / { return 200 "${"x".repeat(100)}"; }
    location = /whoami {
      return 200 '{"port":$server_port,"forwardedFor":"$http_x_forwarded_for","requestId":"$http_x_request_id"}';
    }
    location = /download { }
  }
`,
  );
  return start(LOAD_CORE, "nginx", nginxArgs(folder));
}
