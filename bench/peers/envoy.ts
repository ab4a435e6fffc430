// Envoy: one worker thread, routes from a file that it watches.
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installEnvoy } from "../../scripts/install-envoy.ts";
import { HASH_HEADER, type Located, type Peer, SESSION_COOKIE, type Setup, type TlsFiles } from "../peer.ts";

const TYPE = "type.googleapis.com/envoy.";

function address(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function filters(setup: Setup): unknown[] {
  const router = {
    name: "router",
    typed_config: { "@type": `${TYPE}extensions.filters.http.router.v3.Router` },
  };
  if (setup.affinity === "hash") return [router];
  const cookie = {
    name: "envoy.http.stateful_session.cookie",
    typed_config: {
      "@type": `${TYPE}extensions.http.stateful_session.cookie.v3.CookieBasedSessionState`,
      cookie: { name: SESSION_COOKIE, path: "/" },
    },
  };
  const session = {
    name: "envoy.filters.http.stateful_session",
    typed_config: {
      "@type": `${TYPE}extensions.filters.http.stateful_session.v3.StatefulSession`,
      session_state: cookie,
    },
  };
  return [session, router];
}

function bootstrap(setup: Setup, folder: string): unknown {
  const manager = {
    "@type": `${TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    use_remote_address: true,
    upgrade_configs: [{ upgrade_type: "websocket" }],
    http_filters: filters(setup),
    rds: {
      route_config_name: "routes",
      config_source: { path_config_source: { path: join(folder, "routes.json") } },
    },
  };
  const cluster = {
    name: "origin",
    type: "STATIC",
    connect_timeout: "5s",
    lb_policy: setup.affinity === "hash" ? "MAGLEV" : "LEAST_REQUEST",
    load_assignment: {
      cluster_name: "origin",
      endpoints: [
        { lb_endpoints: setup.endpoints.map((port) => ({ endpoint: { address: address(port) } })) },
      ],
    },
  };
  const filterChain = {
    ...(setup.tls === undefined ? {} : { transport_socket: transportSocket(setup.tls) }),
    filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
  };
  return {
    node: { id: "bench", cluster: "bench" },
    admin: { address: address(setup.adminPort) },
    static_resources: {
      listeners: [{ name: "http", address: address(setup.port), filter_chains: [filterChain] }],
      clusters: [cluster],
    },
  };
}

function transportSocket({ certificate, privateKey }: TlsFiles): unknown {
  const tlsCertificate = {
    certificate_chain: { filename: certificate },
    private_key: { filename: privateKey },
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${TYPE}extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_params: { tls_maximum_protocol_version: "TLSv1_3" },
        tls_certificates: [tlsCertificate],
        alpn_protocols: ["http/1.1"],
      },
    },
  };
}

function routeConfiguration(setup: Setup): unknown {
  const hash = setup.affinity === "hash" ? { hash_policy: [{ header: { header_name: HASH_HEADER } }] } : {};
  const routes = [{ match: { prefix: "/" }, route: { cluster: "origin", timeout: "0s", ...hash } }];
  const names = setup.hostnames.length === 0 ? ["*"] : setup.hostnames;
  return {
    resources: [
      {
        "@type": `${TYPE}config.route.v3.RouteConfiguration`,
        name: "routes",
        virtual_hosts: names.map((name) => ({ name, domains: [name], routes })),
      },
    ],
  };
}

function locate(): Located {
  try {
    const command = installEnvoy();
    const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
    return { command, version: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "of unknown version" };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

export const envoy: Peer = {
  name: "Envoy",
  locate,
  write(setup, folder) {
    const bootstrapFile = join(folder, "envoy.json");
    if (!existsSync(bootstrapFile)) writeFileSync(bootstrapFile, JSON.stringify(bootstrap(setup, folder)));
    // It takes a file over when it is moved into its place.
    const next = join(folder, "next.json");
    writeFileSync(next, JSON.stringify(routeConfiguration(setup)));
    renameSync(next, join(folder, "routes.json"));
  },
  args: ({ workers }, folder) => [
    "-c",
    join(folder, "envoy.json"),
    "--concurrency",
    String(workers),
    "--disable-hot-restart",
    "--log-level",
    "error",
  ],
};
