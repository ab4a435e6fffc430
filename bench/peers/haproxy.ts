// HAProxy: one thread under its master, which reloads by starting a new worker with the same sockets.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HASH_HEADER, type Peer, SESSION_COOKIE, type Setup } from "../peer.ts";
import { locateInstalled } from "./installed.ts";

function configuration(setup: Setup, folder: string): string {
  const servers = setup.endpoints.map(
    (port, index) =>
      `  server s${index} 127.0.0.1:${port}${setup.affinity === "hash" ? "" : ` cookie s${index}`}\n`,
  );
  const choice =
    setup.affinity === "hash"
      ? `balance hdr(${HASH_HEADER})\n  hash-type consistent`
      : `balance roundrobin\n  cookie ${SESSION_COOKIE} insert indirect nocache`;
  const route =
    setup.hostnames.length === 0
      ? "default_backend origin"
      : `use_backend %[req.hdr(host),lower,map(${join(folder, "hosts.map")},none)]`;
  return `global
  nbthread ${setup.workers}
  maxconn 9000
  stats socket ${join(folder, "haproxy.sock")} mode 600 level admin expose-fd listeners
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout server 300s
  timeout tunnel 1h
frontend http
  bind 127.0.0.1:${setup.port} backlog 511${setup.tls === undefined ? "" : ` ssl crt ${setup.tls.both} alpn http/1.1`}
  http-request set-header x-forwarded-for %[src]
  http-request set-header x-request-id %[uuid()] unless { req.hdr(x-request-id) -m found }
  ${route}
backend origin
  ${choice}
${servers.join("")}backend none
  http-request return status 404
`;
}

export const haproxy: Peer = {
  name: "HAProxy",
  locate: () => locateInstalled("haproxy", ["-v"], "haproxy"),
  write(setup, folder) {
    writeFileSync(join(folder, "hosts.map"), setup.hostnames.map((host) => `${host} origin\n`).join(""));
    writeFileSync(join(folder, "haproxy.cfg"), configuration(setup, folder));
  },
  args: (_, folder) => ["-W", "-db", "-f", join(folder, "haproxy.cfg")],
  reload(_setup, _folder, child) {
    child.kill("SIGUSR2");
  },
};
