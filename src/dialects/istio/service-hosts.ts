// Which backend a host of the mesh means: a Service of the cluster, or a ServiceEntry.
import type { ObjectRef } from "../../model/index.ts";
import { SERVICE } from "../core/service.ts";
import type { BackendAlias } from "../dialect.ts";
import type { ObjectSet } from "../object-set.ts";
import { fullHost, serviceOfHost } from "./hosts.ts";
import { SERVICE_ENTRY } from "./service-entry.ts";

/** A host with the ServiceEntry that it stands in; of several the first by namespace and name has it. */
export function serviceEntryHosts(objects: ObjectSet): ReadonlyMap<string, ObjectRef> {
  return objects.index(SERVICE_ENTRY, "by host", (all) => {
    const byHost = new Map<string, ObjectRef>();
    for (const { object, value } of all) {
      for (const host of value.spec.hosts.map((one) => one.toLowerCase())) {
        if (!byHost.has(host)) byHost.set(host, object);
      }
    }
    return byHost;
  });
}

/** Undefined: nothing has such a host. A Service of the cluster counts as there, whether it is or not. */
export function objectOfHost(host: string, objects: ObjectSet): ObjectRef | undefined {
  const service = serviceOfHost(host);
  const entry = serviceEntryHosts(objects).get(host);
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
    const object = objectOfHost(host, objects);
    return object === undefined ? undefined : { ...reference, ...object };
  },
};
