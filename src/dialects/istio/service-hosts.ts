// Which backend a host of the mesh means: a Service of the cluster, or a ServiceEntry.
import type { ObjectRef } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { BackendAlias } from "../dialect.ts";
import type { ObjectSet } from "../object-set.ts";
import { fullHost, serviceOfHost } from "./hosts.ts";
import { SERVICE_ENTRY } from "./service-entry.ts";

/** A host with the ServiceEntries that it stands in, by namespace and name. */
export function serviceEntryHosts(objects: ObjectSet): ReadonlyMap<string, readonly ObjectRef[]> {
  return objects.index(SERVICE_ENTRY, "by host", (all) => {
    const byHost = new Map<string, ObjectRef[]>();
    for (const { object, value } of all) {
      for (const host of new Set(value.spec.hosts.map((one) => one.toLowerCase()))) {
        const known = byHost.get(host);
        if (known === undefined) byHost.set(host, [object]);
        else known.push(object);
      }
    }
    return byHost;
  });
}

/**
 * Undefined: nothing has such a host. A Service of the cluster counts as there, whether it is or not. Of several
 * ServiceEntries one of the namespace `from` has it, so that nobody takes it by a ServiceEntry of his own elsewhere.
 */
export function objectOfHost(host: string, from: string, objects: ObjectSet): ObjectRef | undefined {
  const service = serviceOfHost(host);
  const entries = serviceEntryHosts(objects).get(host);
  const entry = entries?.find(({ namespace }) => namespace === from) ?? entries?.[0];
  if (service === undefined) return entry;
  if (entry !== undefined && objects.get(SERVICE, service.namespace, service.name) === undefined)
    return entry;
  return { group: SERVICE.group, kind: SERVICE.kind, ...service };
}

/** `kind: Hostname`, by which routes and policies name what has a host in the mesh. */
export const HOSTNAME: BackendAlias = {
  group: "networking.istio.io",
  kind: "Hostname",
  dependsOn: (objects) => [objects.all(SERVICE_ENTRY)],
  follow: (reference, objects) => {
    const host = fullHost(reference.name.toLowerCase(), reference.namespace);
    const object = objectOfHost(host, reference.namespace, objects);
    return object === undefined ? undefined : { ...reference, ...object };
  },
};
