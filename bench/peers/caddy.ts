// Caddy: one scheduler thread of Go, configured and reloaded with JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HASH_HEADER, type Peer, SESSION_COOKIE, type Setup, type TlsFiles } from "../peer.ts";
import { locateInstalled } from "./installed.ts";

function certificates({ certificate, privateKey }: TlsFiles): unknown {
  return { certificates: { load_files: [{ certificate, key: privateKey }] } };
}

function configuration(setup: Setup): unknown {
  const policy =
    setup.affinity === "hash"
      ? { policy: "header", field: HASH_HEADER }
      : { policy: "cookie", name: SESSION_COOKIE };
  const handler = {
    handler: "reverse_proxy",
    upstreams: setup.endpoints.map((port) => ({ dial: `127.0.0.1:${port}` })),
    load_balancing: { selection_policy: policy },
    headers: { request: { set: { "X-Request-Id": ["{http.request.uuid}"] } } },
    transport: { protocol: "http", compression: false, keep_alive: { max_idle_conns_per_host: 256 } },
  };
  const names = setup.hostnames.length === 0 ? [undefined] : setup.hostnames;
  const routes = names.map((name) => ({
    ...(name !== undefined && { match: [{ host: [name] }] }),
    handle: [handler],
    terminal: true,
  }));
  return {
    admin: { listen: `127.0.0.1:${setup.adminPort}`, config: { persist: false } },
    logging: { logs: { default: { level: "ERROR" } } },
    apps: {
      http: {
        servers: {
          http: {
            listen: [`127.0.0.1:${setup.port}`],
            routes,
            automatic_https: { disable: true },
            ...(setup.tls === undefined ? {} : { tls_connection_policies: [{}], protocols: ["h1"] }),
          },
        },
      },
      ...(setup.tls === undefined ? {} : { tls: certificates(setup.tls) }),
    },
  };
}

export const caddy: Peer = {
  name: "Caddy",
  locate: () => locateInstalled("caddy", ["version"], "caddy"),
  write(setup, folder) {
    writeFileSync(join(folder, "caddy.json"), JSON.stringify(configuration(setup)));
  },
  args: (_, folder) => ["run", "--config", join(folder, "caddy.json")],
  env: { GOMAXPROCS: "1" },
  async reload(setup, folder) {
    const answer = await fetch(`http://127.0.0.1:${setup.adminPort}/load`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: readFileSync(join(folder, "caddy.json")),
    });
    if (!answer.ok) throw new Error(`Caddy refuses its configuration: ${await answer.text()}`);
  },
};
