// Reads a Service that was made for a Gateway: the record of its bind ports, and of the addresses that clients have.
import type { GatewayAddress } from "../../dialects/gateway-api/placement.ts";
import type { KubernetesObject } from "../api/client.ts";
import { listAt, numberAt, objectAt, textAt } from "../json.ts";
import type { BindPorts } from "./bind-ports.ts";
import { MANAGED_BY, MANAGED_BY_LABEL } from "./names.ts";

/** Everything about the Service that decides where its Gateway is. */
export interface MadeService {
  readonly namespace: string;
  readonly name: string;
  /** Of the Gateway that it was made for. */
  readonly gateway: { readonly name: string; readonly uid: string };
  readonly type: string;
  readonly bindPorts: BindPorts;
  /** Those that it has by now. */
  readonly addresses: readonly GatewayAddress[];
}

/** Undefined: it was made by somebody else. */
export function readMadeService({ metadata, spec, status }: KubernetesObject): MadeService | undefined {
  if (metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) return undefined;
  const owner = listAt(metadata, "ownerReferences").find((one) => textAt(one, "kind") === "Gateway");
  const [name, uid] = [textAt(owner, "name"), textAt(owner, "uid")];
  if (name === undefined || uid === undefined) return undefined;
  const ports = listAt(spec, "ports").flatMap((one): [number, number][] => {
    const [port, bindPort] = [numberAt(one, "port"), numberAt(one, "targetPort")];
    return port === undefined || bindPort === undefined ? [] : [[port, bindPort]];
  });
  const type = textAt(spec, "type") ?? "ClusterIP";
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    gateway: { name, uid },
    type,
    bindPorts: new Map(ports),
    addresses: type === "LoadBalancer" ? balancerAddresses(status) : clusterAddresses(spec),
  };
}

function balancerAddresses(status: unknown): GatewayAddress[] {
  return listAt(objectAt(status, "loadBalancer"), "ingress").flatMap((entry): GatewayAddress[] => {
    const [ip, hostname] = [textAt(entry, "ip"), textAt(entry, "hostname")];
    if (ip !== undefined && ip !== "") return [{ type: "IPAddress", value: ip }];
    return hostname === undefined || hostname === "" ? [] : [{ type: "Hostname", value: hostname }];
  });
}

function clusterAddresses(spec: unknown): GatewayAddress[] {
  const all = objectAt({ spec }, "spec")["clusterIPs"];
  const texts = Array.isArray(all) ? all : [textAt(spec, "clusterIP")];
  return texts
    .filter((value): value is string => typeof value === "string" && value !== "" && value !== "None")
    .map((value) => ({ type: "IPAddress", value }));
}
