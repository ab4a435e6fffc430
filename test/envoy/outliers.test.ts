// Endpoints that answer with errors on a real Envoy and on Limpet: after how many both of them eject, and whom they spare.
import { describe, expect, onTestFinished, test } from "vitest";
import { send } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startReplica, type TestReplica } from "../support/replica.ts";
import { startEnvoy } from "./envoy-process.ts";

/** Time for a verdict to reach the workers of either gateway. */
const SETTLE_MS = 750;
const REPLICAS = 4;

/** Statuses of the requests of one client, whose hash leads to an endpoint that answers with `status`. */
interface Case {
  readonly name: string;
  /** Of Envoy's `outlier_detection`. */
  readonly envoy: Record<string, unknown>;
  /** Of `healthCheck.passive`, which says the same. */
  readonly limpet: string;
  readonly status: number;
}

const CASES: readonly Case[] = [
  {
    name: "five errors in a row, one endpoint always allowed",
    envoy: { consecutive_5xx: 5, max_ejection_percent: 10, always_eject_one_host: true },
    limpet: "consecutive5XxErrors: 5, maxEjectionPercent: 10, alwaysEjectOneEndpoint: true",
    status: 500,
  },
  {
    name: "10 % of four endpoints, which is none",
    envoy: { consecutive_5xx: 5, max_ejection_percent: 10 },
    limpet: "consecutive5XxErrors: 5, maxEjectionPercent: 10",
    status: 500,
  },
  {
    name: "25 % of four endpoints, which is one",
    envoy: { consecutive_5xx: 3, max_ejection_percent: 25 },
    limpet: "consecutive5XxErrors: 3, maxEjectionPercent: 25",
    status: 503,
  },
  {
    name: "gateway errors before others",
    envoy: {
      consecutive_5xx: 5,
      consecutive_gateway_failure: 2,
      enforcing_consecutive_gateway_failure: 100,
      max_ejection_percent: 100,
    },
    limpet: "consecutive5XxErrors: 5, consecutiveGatewayErrors: 2, maxEjectionPercent: 100",
    status: 502,
  },
];

function policyYaml(passive: string): string {
  return `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: outliers}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all}]
  loadBalancer:
    type: ConsistentHash
    consistentHash: {type: Headers, headers: [{name: x-user}]}
  healthCheck: {passive: {${passive}}}
`;
}

/** One after the other, with time for verdicts in between. */
async function statuses(port: number, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    found.push((await send(port, { headers: { "x-user": "ada" } })).status);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
  return found;
}

describe.each(CASES)("$name", ({ envoy: outlier_detection, limpet, status }) => {
  test("ends with the same request", async () => {
    const names = Array.from({ length: REPLICAS }, (_, index) => `replica-${index + 1}`);
    const replicas = (await Promise.all(names.map((name) => startReplica(name)))).sort(
      (a, b) => a.port - b.port,
    );
    const ports = replicas.map((replica) => replica.port);
    const [envoyPort, port] = [await freePort(), await freePort()];
    const envoy = await startEnvoy([
      {
        name: "outliers",
        port: envoyPort,
        endpointPorts: ports,
        cluster: {
          lb_policy: "MAGLEV",
          outlier_detection: { base_ejection_time: "60s", ...outlier_detection },
          common_lb_config: { update_merge_window: "0s" },
        },
        route: { hash_policy: [{ header: { header_name: "x-user" } }] },
      },
    ]);
    onTestFinished(() => envoy.stop());
    const files = {
      "gateway.yaml": gatewayYaml({ port }),
      "sample.yaml": sampleYaml(ports),
      "policy.yaml": policyYaml(`baseEjectionTime: 60s, ${limpet}`),
    };
    const gateway = await startGateway({ files });
    onTestFinished(async () => void (await gateway.stop()));

    const home = (await send(port, { headers: { "x-user": "ada" } })).replica;
    (replicas.find(({ name }) => name === home) as TestReplica).status = status;
    const [theirs, ours] = await Promise.all([statuses(envoyPort, 8), statuses(port, 8)]);
    expect(theirs[0]).toBe(status);
    expect(ours).toEqual(theirs);
  });
});
