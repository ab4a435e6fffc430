// Limpet as a peer of the corpus: a real `limpet run` with a listener and a route for each lane.
import { freePorts } from "../../support/free-port.ts";
import { startGateway } from "../../support/gateway.ts";
import { serviceYaml } from "../../support/manifests.ts";
import type { Peer } from "./peer.ts";

const TIMEOUTS = ["request-head", "request-body", "idle", "write", "tunnel"];

export const limpet: Peer = {
  name: "Limpet",
  own: true,
  package: "npm ci",
  version: () => "this tree",
  async start(originPorts) {
    const ports = await freePorts(originPorts.length);
    const gateway = await startGateway({
      files: { "lanes.yaml": lanes(ports, originPorts) },
      args: [
        "--listen-address",
        "127.0.0.1",
        "--access-log",
        "off",
        "--log-level",
        "warn",
        "--drain-timeout",
        "1s",
        "--upstream-response-timeout",
        "4s",
        ...TIMEOUTS.flatMap((name) => [`--${name}-timeout`, "2s"]),
      ],
    });
    return {
      ports,
      stop: async () => {
        const { code, signal } = await gateway.stop();
        if (code !== 0)
          throw new Error(`limpet ended with ${code ?? signal}:\n${gateway.stderr.lines.join("\n")}`);
      },
    };
  },
};

function lanes(ports: readonly number[], originPorts: readonly number[]): string {
  const listeners = ports.map((port, lane) => `    - {name: lane-${lane}, protocol: HTTP, port: ${port}}`);
  const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: corpus}
spec:
  gatewayClassName: limpet
  listeners:
${listeners.join("\n")}
`;
  return [gateway, ...originPorts.map(route)].join("---\n");
}

function route(originPort: number, lane: number): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: lane-${lane}}
spec:
  parentRefs: [{name: corpus, sectionName: lane-${lane}}]
  rules: [{backendRefs: [{name: origin-${lane}, port: 80}]}]
${serviceYaml(`origin-${lane}`, [originPort])}`;
}
