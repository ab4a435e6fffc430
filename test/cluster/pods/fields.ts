// The downward API: what a pod may ask about itself.
import type { PodInterface } from "../network/pod-network.ts";
import type { Pod } from "./pod.ts";

/** @param fieldPath such as `metadata.name`; throws for one that is unknown */
export function podField(pod: Pod, place: PodInterface, hostAddress: string, fieldPath: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) return pod.metadata[keyed[1] as "labels" | "annotations"]?.[keyed[2] as string] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
    case "metadata.annotations": {
      const map = pod.metadata[fieldPath === "metadata.labels" ? "labels" : "annotations"] ?? {};
      return Object.entries(map)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
        .join("");
    }
    case "spec.nodeName":
      return pod.spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return place.address;
    case "status.hostIP":
    case "status.hostIPs":
      return hostAddress;
    default:
      throw new Error(`the field ${fieldPath} is not known here`);
  }
}
