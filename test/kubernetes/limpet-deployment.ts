// Limpet as two pods with the rights of deploy/, as tests want it: quick to get ready, and with the classes that they name.
import { resolve } from "node:path";
import type { Cluster } from "../cluster/cluster.ts";
import { POOL_ANNOTATION } from "../cluster/pods/running-pod.ts";

const RBAC = resolve(import.meta.dirname, "../../deploy/base/rbac.yaml");
export const LIMPET_NAMESPACE = "limpet-system";
export const ADMIN_PORT = 9900;

export interface LimpetDeployment {
  /** Names of GatewayClasses that are Limpet's. */
  readonly classes: readonly string[];
  /** Flags of `limpet run --kubernetes`. */
  readonly args?: readonly string[];
  /** CIDR: each Gateway gets an address of it, and what connects there is shared by all replicas. */
  readonly addressPool?: string;
}

/** Resolves when both are ready. */
export async function deployLimpet(
  cluster: Cluster,
  { classes, args = [], addressPool }: LimpetDeployment,
): Promise<void> {
  await cluster.kubectl(["create", "namespace", LIMPET_NAMESPACE]);
  await cluster.kubectl(["apply", "-f", RBAC]);
  const pool = addressPool === undefined ? [] : [`--address-pool=${addressPool}`];
  const annotations = addressPool === undefined ? {} : { [POOL_ANNOTATION]: addressPool };
  const objects = [...classes.map(gatewayClass), deployment([...args, ...pool], annotations)];
  const list = { apiVersion: "v1", kind: "List", items: objects };
  await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(list));
  await cluster.kubectl(["-n", LIMPET_NAMESPACE, "rollout", "status", "deployment/limpet", "--timeout=120s"]);
}

function gatewayClass(name: string) {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name },
    spec: { controllerName: "limpet.dev/gateway" },
  };
}

function deployment(args: readonly string[], annotations: Readonly<Record<string, string>>) {
  const labels = { "app.kubernetes.io/name": "limpet" };
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const container = {
    name: "limpet",
    image: "limpet",
    args: ["run", "--kubernetes", `--admin=[::]:${ADMIN_PORT}`, "--workers=1", ...args],
    env: [field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace")],
    readinessProbe: { httpGet: { path: "/readyz", port: ADMIN_PORT }, periodSeconds: 1 },
  };
  const spec = { serviceAccountName: "limpet", terminationGracePeriodSeconds: 10, containers: [container] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "limpet", namespace: LIMPET_NAMESPACE },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec },
    },
  };
}
