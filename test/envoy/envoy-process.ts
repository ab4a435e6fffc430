// A real Envoy for the differential tests: one process, a listener and a cluster for each configuration under test.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installEnvoy } from "../../scripts/install-envoy.ts";
import { freePort } from "../support/free-port.ts";

/** One configuration: where Envoy listens, and the parts of route and cluster that decide. */
export interface EnvoyCase {
  readonly name: string;
  readonly port: number;
  /** Endpoint addresses on 127.0.0.1. */
  readonly endpointPorts: readonly number[];
  /** Fields of the cluster that choose the balancer. */
  readonly cluster: Record<string, unknown>;
  /** Fields of the route action: `hash_policy`. */
  readonly route?: Record<string, unknown>;
  /** `typed_config` of the stateful session filter. */
  readonly session?: Record<string, unknown>;
}

export interface EnvoyProcess {
  /** `http://127.0.0.1:PORT` of the admin interface. */
  readonly adminUrl: string;
  stop(): Promise<void>;
}

export async function startEnvoy(cases: readonly EnvoyCase[]): Promise<EnvoyProcess> {
  const folder = mkdtempSync(join(tmpdir(), "limpet-envoy-"));
  const adminPort = await freePort();
  const file = join(folder, "envoy.json");
  writeFileSync(file, JSON.stringify(bootstrap(cases, adminPort)));
  const child = spawn(
    installEnvoy(),
    ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await ready(child, adminPort, () => log);
  return {
    adminUrl: `http://127.0.0.1:${adminPort}`,
    async stop() {
      if (child.exitCode === null) {
        const exit = once(child, "exit");
        child.kill("SIGTERM");
        await exit;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess, adminPort: number, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}:\n${log()}`);
    const answer = await fetch(`http://127.0.0.1:${adminPort}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`Envoy was not ready within 30 s:\n${log()}`);
}

function bootstrap(cases: readonly EnvoyCase[], adminPort: number): unknown {
  return {
    admin: { address: socketAddress(adminPort) },
    static_resources: { listeners: cases.map(listener), clusters: cases.map(cluster) },
  };
}

function socketAddress(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function listener(entry: EnvoyCase): unknown {
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
  };
  const session = entry.session && {
    name: "envoy.filters.http.stateful_session",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
      ...entry.session,
    },
  };
  return {
    name: entry.name,
    address: socketAddress(entry.port),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              stat_prefix: entry.name,
              // As Limpet: the TCP peer is the client, whatever X-Forwarded-For says.
              use_remote_address: true,
              http_filters: session ? [session, router] : [router],
              route_config: {
                virtual_hosts: [
                  {
                    name: entry.name,
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, route: { cluster: entry.name, ...entry.route } }],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  };
}

function cluster(entry: EnvoyCase): unknown {
  return {
    name: entry.name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: entry.name,
      endpoints: [
        { lb_endpoints: entry.endpointPorts.map((port) => ({ endpoint: { address: socketAddress(port) } })) },
      ],
    },
    ...entry.cluster,
  };
}
