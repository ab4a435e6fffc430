// Endpoints that fail active checks on a real Envoy and on Limpet at once: the same picks before, during and after.
import { describe, expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/model/index.ts";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";
import { startReplica, type TestReplica } from "../support/replica.ts";
import { type EnvoyCase, type EnvoyProcess, startEnvoy } from "./envoy-process.ts";
import { randomKeys } from "./keys.ts";

const KEYS = randomKeys(150);

const ENVOY_CHECKS = {
  // By default the workers learn of a second change up to a second later than the admin interface.
  common_lb_config: { update_merge_window: "0s" },
  health_checks: [
    {
      timeout: "15s",
      interval: "0.05s",
      // Until the first request Envoy looks once a minute.
      no_traffic_interval: "0.05s",
      unhealthy_threshold: 2,
      healthy_threshold: 2,
      http_health_check: { path: "/health" },
    },
  ],
};

const HASH_POLICY = [{ header: { header_name: "x-user" } }];

const MAGLEV = `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: health}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all}]
  loadBalancer:
    type: ConsistentHash
    consistentHash: {type: Headers, headers: [{name: x-user}]}
  healthCheck:
    active:
      type: HTTP
      timeout: 15s
      interval: 50ms
      unhealthyThreshold: 2
      healthyThreshold: 2
      http: {path: /health, expectedStatuses: [200]}
`;

const RING = `apiVersion: gateway.kgateway.dev/v1alpha1
kind: BackendConfigPolicy
metadata: {name: health}
spec:
  targetRefs: [{group: "", kind: Service, name: sample}]
  loadBalancer:
    ringHash:
      minimumRingSize: 1024
      maximumRingSize: 2048
      hashPolicies: [{header: {name: x-user}}]
  healthCheck:
    timeout: 15s
    interval: 50ms
    unhealthyThreshold: 2
    healthyThreshold: 2
    http: {path: /health}
`;

const CASES: readonly (readonly [string, string, Pick<EnvoyCase, "cluster" | "route">])[] = [
  [
    "Maglev",
    MAGLEV,
    { cluster: { lb_policy: "MAGLEV", ...ENVOY_CHECKS }, route: { hash_policy: HASH_POLICY } },
  ],
  [
    "ring hash",
    RING,
    {
      cluster: {
        lb_policy: "RING_HASH",
        ring_hash_lb_config: { minimum_ring_size: 1024, maximum_ring_size: 2048 },
        ...ENVOY_CHECKS,
      },
      route: { hash_policy: HASH_POLICY },
    },
  ],
];

/** So many endpoints fail their checks, as Envoy sees it. */
async function illOnEnvoy(envoy: EnvoyProcess): Promise<number> {
  const text = await (await fetch(`${envoy.adminUrl}/clusters`)).text();
  return text.split("\n").filter((line) => line.includes("health_flags::/failed_active_hc")).length;
}

async function illOnLimpet(gateway: Gateway): Promise<number> {
  const page = (await (await fetch(`${gateway.adminUrl}/snapshot`)).json()) as { snapshot: Snapshot };
  const endpoints = page.snapshot.backends.flatMap((backend) => backend.endpoints);
  return endpoints.filter(({ health }) => health === "unhealthy").length;
}

async function picks(port: number): Promise<string[]> {
  const names: string[] = [];
  for (const key of KEYS) {
    const answer = await send(port, { headers: { "x-user": key } });
    names.push(answer.replica ?? `status ${answer.status}`);
  }
  return names;
}

describe.each(CASES)("%s", (name, policy, configured) => {
  test("picks as Envoy does while endpoints fall ill, all but one, and recover", async () => {
    const started = await Promise.all(["one", "two", "three", "four"].map((each) => startReplica(each)));
    // Both take endpoints in the order of their addresses.
    const replicas = started.sort((a, b) => a.port - b.port) as [
      TestReplica,
      TestReplica,
      TestReplica,
      TestReplica,
    ];
    const ports = replicas.map(({ port }) => port);
    const [envoyPort, port] = [await freePort(), await freePort()];
    const envoy = await startEnvoy([{ name, port: envoyPort, endpointPorts: ports, ...configured }]);
    onTestFinished(() => envoy.stop());
    const files = {
      "gateway.yaml": gatewayYaml({ port }),
      "sample.yaml": sampleYaml(ports),
      "policy.yaml": policy,
    };
    const gateway = await startGateway({ files });
    onTestFinished(async () => void (await gateway.stop()));

    const compare = async (ill: number): Promise<string[]> => {
      for (const [index, replica] of replicas.entries()) replica.health = index < ill ? 500 : 200;
      await eventually(
        async () => [await illOnEnvoy(envoy), await illOnLimpet(gateway)],
        (counts) => counts.every((count) => count === ill),
      );
      const [theirs, ours] = [await picks(envoyPort), await picks(port)];
      expect(ours, `${ill} endpoints are ill`).toEqual(theirs);
      return ours;
    };

    const before = await compare(0);
    expect(new Set(before).size).toBe(4);
    const oneIll = await compare(1);
    expect(new Set(oneIll)).not.toContain(replicas[0].name);
    const twoIll = await compare(2);
    expect(new Set(twoIll).size).toBe(2);
    // Panic: health is ignored, so that every key is at home again.
    expect(await compare(3)).toEqual(before);
    expect(await compare(0)).toEqual(before);
  });
});
