// Limpet as the suite meets it: its sources on an address of their own beside the cluster, with a pool for Gateways.
import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
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

/** Resolves once the GatewayClass is accepted. Rejects if Limpet ends before. */
export async function startLimpet(
  cluster: Cluster,
  { logFile, accessLog }: { logFile: string; accessLog: string },
): Promise<void> {
  await cluster.kubectl(["apply", "-f", "-"], MANIFESTS);
  const { process: limpet } = await cluster.start({
    program: process.execPath,
    args: [BIN, "run", "--kubernetes", "--address-pool", POOL, "--access-log", accessLog],
    env: { POD_NAMESPACE: NAMESPACE, POD_NAME: "limpet" },
    addressPools: [POOL],
  });
  const log = createWriteStream(logFile);
  limpet.stdout?.pipe(log, { end: false });
  limpet.stderr?.pipe(log, { end: false });
  const ended = new Promise<never>((_, reject) => {
    limpet.once("close", (code) => reject(new Error(`limpet ended with ${code}: see ${logFile}`)));
  });
  // Its end at the end of everything is nobody's error.
  ended.catch(() => {});
  const accepted = cluster.kubectl([
    ...["wait", "--for=condition=Accepted", "--timeout=60s"],
    `gatewayclass/${GATEWAY_CLASS}`,
  ]);
  await Promise.race([accepted, ended]);
}
