// The `host` of a DestinationRule: which Services it means.
import type { ObjectRef } from "../../model/index.ts";

const CLUSTER_DOMAIN = "svc.cluster.local";

/** A name without dots is a Service in the rule's own namespace; any other is taken as it is. */
export function fullHost(host: string, namespace: string): string {
  return host === "*" || host.includes(".") ? host : `${host}.${namespace}.${CLUSTER_DOMAIN}`;
}

export function hostOfService({ name, namespace }: ObjectRef): string {
  return `${name}.${namespace}.${CLUSTER_DOMAIN}`;
}

/** Name and namespace of the Service that a full host names; undefined: no Service has such a host. */
export function serviceOfHost(
  host: string,
): { readonly name: string; readonly namespace: string } | undefined {
  const suffix = `.${CLUSTER_DOMAIN}`;
  if (!host.endsWith(suffix)) return undefined;
  const [name, namespace, ...rest] = host.slice(0, -suffix.length).split(".");
  return name !== undefined && name !== "*" && namespace !== undefined && rest.length === 0
    ? { name, namespace }
    : undefined;
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** `*`, or `*.` in front of the end of the host. */
export function wildcardTakes(wildcard: string, host: string): boolean {
  return host.endsWith(wildcard.slice(1));
}
