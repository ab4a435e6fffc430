// Limpet as the suite meets it: its sources on addresses of their own beside the cluster, with a pool for Gateways.
import { createWriteStream } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Cluster } from "../cluster/cluster.ts";

const BIN = resolve(import.meta.dirname, "../../src/cli/bin.ts");

export const GATEWAY_CLASS = "limpet";
/** Addresses for documents (RFC 5737), so that nothing real can be meant. */
export const POOL = "192.0.2.0/24";
/** In the pool; Gateways that ask for no address in particular get the lowest ones. */
export const USABLE_ADDRESS = "192.0.2.200";
export const UNUSABLE_ADDRESS = "198.51.100.1";

const NAMESPACE = "limpet-system";

const MANIFESTS = `
apiVersion: v1
kind: Namespace
metadata: {name: ${NAMESPACE}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ${GATEWAY_CLASS}}
spec: {controllerName: limpet.dev/gateway}
`;

/**
 * Connections are shared by all replicas. Resolves once the GatewayClass is accepted and all of them are ready; rejects if
 * one ends before. Their logs go to `folder`.
 */
export async function startLimpet(cluster: Cluster, replicas: number, folder: string): Promise<void> {
  await cluster.kubectl(["apply", "-f", "-"], MANIFESTS);
  const names = Array.from({ length: replicas }, (_, index) => `limpet-${index + 1}`);
  await Promise.all(names.map((name) => startReplica(cluster, name, folder)));
  await cluster.kubectl([
    ...["wait", "--for=condition=Accepted", "--timeout=60s"],
    `gatewayclass/${GATEWAY_CLASS}`,
  ]);
}

async function startReplica(cluster: Cluster, name: string, folder: string): Promise<void> {
  const accessLog = join(folder, `${name}-access.log`);
  const { process: limpet } = await cluster.start({
    program: process.execPath,
    args: [BIN, "run", "--kubernetes", "--address-pool", POOL, "--access-log", accessLog],
    env: { POD_NAMESPACE: NAMESPACE, POD_NAME: name },
    addressPools: [POOL],
  });
  const logFile = join(folder, `${name}.log`);
  const log = createWriteStream(logFile);
  limpet.stdout?.pipe(log, { end: false });
  await new Promise<void>((ready, reject) => {
    limpet.once("close", (code) => reject(new Error(`${name} ended with ${code}: see ${logFile}`)));
    if (limpet.stderr === null) throw new Error("its stderr is not a pipe");
    createInterface({ input: limpet.stderr }).on("line", (line) => {
      log.write(`${line}\n`);
      if (line.startsWith("limpet ready")) ready();
    });
  });
}
