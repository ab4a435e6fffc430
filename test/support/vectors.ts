// Reads what was captured from Envoy and puts Envoy's configuration into the words of the model.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type {
  Backend,
  CookieAttribute,
  Endpoint,
  EndpointHealth,
  HashPolicy,
  LoadBalancer,
} from "../../src/model/index.ts";
import { backendOf, endpointAt } from "./affinity.ts";

const FOLDER = resolve(import.meta.dirname, "../vectors");

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as T;
}

export interface EnvoyHost {
  readonly address: string;
  readonly weight?: number;
  readonly health_status?: string;
  readonly hostname?: string;
}

export interface EnvoyCluster {
  readonly lb_policy: string;
  readonly ring_hash_lb_config?: { minimum_ring_size?: number; maximum_ring_size?: number };
  readonly maglev_lb_config?: { table_size: number };
  readonly common_lb_config?: {
    consistent_hashing_lb_config?: { use_hostname_for_hashing?: boolean; hash_balance_factor?: number };
  };
}

export interface EnvoyHashPolicy {
  readonly header?: { header_name: string };
  readonly cookie?: { name: string; ttl?: string; path?: string; attributes?: CookieAttribute[] };
  readonly query_parameter?: { name: string };
  readonly connection_properties?: { source_ip: boolean };
  readonly terminal?: boolean;
}

export function backendFrom(id: string, hosts: readonly EnvoyHost[], cluster: EnvoyCluster): Backend {
  return backendOf(id, hosts.map(endpointFrom), { loadBalancer: balancerFrom(cluster) });
}

function endpointFrom({ address, weight = 1, health_status, hostname }: EnvoyHost): Endpoint {
  const health = (health_status ?? "UNKNOWN").replace("(=healthy)", "").toLowerCase() as EndpointHealth;
  return endpointAt(address, { weight, health, ...(hostname !== undefined && { hostname }) });
}

function balancerFrom(cluster: EnvoyCluster): LoadBalancer {
  const consistent = cluster.common_lb_config?.consistent_hashing_lb_config;
  const factor = consistent?.hash_balance_factor;
  const common = {
    useHostname: consistent?.use_hostname_for_hashing ?? false,
    ...(factor !== undefined && { balanceFactorPercent: factor }),
  };
  switch (cluster.lb_policy) {
    case "RING_HASH":
      return {
        kind: "ringHash",
        minimumSize: cluster.ring_hash_lb_config?.minimum_ring_size ?? 1024,
        maximumSize: cluster.ring_hash_lb_config?.maximum_ring_size ?? 8_388_608,
        hashFunction: "xxHash",
        ...common,
      };
    case "MAGLEV":
      return { kind: "maglev", tableSize: cluster.maglev_lb_config?.table_size ?? 65537, ...common };
    case "ROUND_ROBIN":
      return { kind: "roundRobin" };
    default:
      throw new Error(`no balancer for ${cluster.lb_policy}`);
  }
}

/** `60s` in whole seconds, cut off. */
export function secondsOf(duration: string): number {
  return Math.floor(Number(duration.replace(/s$/, "")));
}

export function policyFrom(policy: EnvoyHashPolicy): HashPolicy {
  const terminal = policy.terminal ?? false;
  if (policy.header) return { kind: "header", name: policy.header.header_name, terminal };
  if (policy.query_parameter) {
    return { kind: "queryParameter", name: policy.query_parameter.name, terminal };
  }
  if (policy.connection_properties?.source_ip) return { kind: "sourceIp", terminal };
  if (policy.cookie === undefined) throw new Error(`no hash policy for ${JSON.stringify(policy)}`);
  const { name, ttl, path, attributes = [] } = policy.cookie;
  return {
    kind: "cookie",
    name,
    attributes,
    ...(ttl !== undefined && { ttlSec: secondsOf(ttl) }),
    ...(path !== undefined && { path }),
    terminal,
  };
}
