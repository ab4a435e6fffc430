// nginx: one worker under its master; bodies are streamed, as the others do.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HASH_HEADER, type Peer, SESSION_COOKIE, type Setup } from "../peer.ts";
import { locateInstalled } from "./installed.ts";

/** The parts that every nginx of the benchmark shares: one worker that writes nothing outside its folder. */
export function nginxText(folder: string, http: string, workers = 1): string {
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path ${join(folder, "temporary")};\n`,
  );
  return `${user}daemon off;
worker_processes ${workers};
worker_rlimit_nofile 20000;
pid ${join(folder, "nginx.pid")};
error_log stderr crit;
events { worker_connections 15000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
${temporary.join("")}${http}}
`;
}

export function writeNginx(folder: string, http: string, workers?: number): void {
  mkdirSync(join(folder, "temporary"), { recursive: true });
  writeFileSync(join(folder, "nginx.conf"), nginxText(folder, http, workers));
}

/** Without an error log of its own it would complain about the one that it was built with. */
export function nginxArgs(folder: string): string[] {
  return ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
}

function tls({ tls }: Setup): string {
  if (tls === undefined) return "";
  return `  ssl_certificate ${tls.certificate};
  ssl_certificate_key ${tls.privateKey};
  ssl_protocols TLSv1.2 TLSv1.3;
`;
}

function proxy(setup: Setup): string {
  const key =
    setup.affinity === "hash"
      ? `$http_${HASH_HEADER.replaceAll("-", "_").toLowerCase()}`
      : `$cookie_${SESSION_COOKIE}`;
  const servers = setup.endpoints.map((port) => `    server 127.0.0.1:${port};\n`);
  const names = setup.hostnames.length === 0 ? ["_"] : setup.hostnames;
  const routes = names.map(
    (name) => `  server {
    listen 127.0.0.1:${setup.port}${setup.tls === undefined ? "" : " ssl"};
    server_name ${name};
    location / { proxy_pass http://origin; }
  }
`,
  );
  return `${tls(setup)}  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128;
  client_max_body_size 0;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 300s;
  map $http_upgrade $connection_option { default upgrade; "" ""; }
  map $http_x_request_id $forwarded_request_id { default $http_x_request_id; "" $request_id; }
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_option;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Request-Id $forwarded_request_id;
  upstream origin {
    hash ${key} consistent;
${servers.join("")}    keepalive 256;
    keepalive_requests 1000000000;
  }
  server { listen 127.0.0.1:${setup.port} default_server backlog=511; return 404; }
${routes.join("")}`.replace(
    // One server for every host is the default server itself.
    setup.hostnames.length === 0 ? / {2}server \{ listen .* default_server .*\n/ : /$^/,
    "",
  );
}

export const nginx: Peer = {
  name: "nginx",
  note: "nginx has no session persistence in its free edition: its session cookie rows hash the cookie.",
  locate: () => locateInstalled("nginx", ["-v"], "nginx-light"),
  write: (setup, folder) => writeNginx(folder, proxy(setup), setup.workers),
  args: (_, folder) => nginxArgs(folder),
  reload(_setup, _folder, child) {
    child.kill("SIGHUP");
  },
};
