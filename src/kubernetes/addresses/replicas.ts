// Finds the pods of this gateway itself, as endpoints of the Services that it makes.
import type { KubernetesObject } from "../api/client.ts";
import { listAt, objectAt, textAt } from "../json.ts";

/** Those of them that a pod has are the same for all replicas, also while they are replaced by a newer version. */
const COMMON_LABELS = [
  "app.kubernetes.io/name",
  "app.kubernetes.io/instance",
  "app.kubernetes.io/component",
] as const;

/** An endpoint of an EndpointSlice. */
export interface ReplicaEndpoint {
  readonly addresses: readonly [string];
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly nodeName?: string;
  readonly targetRef: {
    readonly kind: "Pod";
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

/**
 * Every address of every replica, in order of address.
 *
 * @param own name of the pod that asks
 * @param pods of all namespaces
 */
export function replicaEndpoints(
  namespace: string,
  own: string,
  pods: readonly KubernetesObject[],
): readonly ReplicaEndpoint[] {
  const neighbours = pods.filter(({ metadata }) => metadata.namespace === namespace);
  const self = neighbours.find(({ metadata }) => metadata.name === own);
  const labels = COMMON_LABELS.map((name) => self?.metadata.labels?.[name]);
  // Without a label that tells its like from others it stands for itself alone.
  const isAlone = labels.every((value) => value === undefined);
  const replicas = neighbours.filter(({ metadata }) =>
    isAlone
      ? metadata.name === own
      : COMMON_LABELS.every((name, at) => metadata.labels?.[name] === labels[at]),
  );
  return replicas
    .flatMap(endpointsOf)
    .sort((a, b) => (a.addresses[0] < b.addresses[0] ? -1 : a.addresses[0] > b.addresses[0] ? 1 : 0));
}

function endpointsOf({ metadata, spec, status }: KubernetesObject): ReplicaEndpoint[] {
  const phase = textAt(status, "phase");
  if (phase === "Succeeded" || phase === "Failed") return [];
  const isReady = listAt(status, "conditions").some((one) => {
    return textAt(one, "type") === "Ready" && textAt(one, "status") === "True";
  });
  const terminating = metadata["deletionTimestamp"] !== undefined;
  const nodeName = textAt(spec, "nodeName");
  const { namespace = "", name, uid = "" } = metadata;
  return addressesOf(status).map((address) => ({
    addresses: [address],
    conditions: { ready: isReady && !terminating, serving: isReady, terminating },
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  }));
}

function addressesOf(status: unknown): string[] {
  const all = listAt(objectAt({ status }, "status"), "podIPs").map((one) => textAt(one, "ip"));
  const addresses = all.length > 0 ? all : [textAt(status, "podIP")];
  return addresses.filter((address) => address !== undefined && address !== "") as string[];
}
