// What the leader has to write so that every Gateway has its Service, and every Service leads to whoever serves it; pure.
import type { GatewayNeeds } from "../../dialects/gateway-api/placement.ts";
import { type ObjectRef, objectKey } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import { objectAt, textAt } from "../json.ts";
import { type ClusterView, refOf } from "../watch/cluster-view.ts";
import { isApplied } from "./applied.ts";
import type { BindPorts } from "./bind-ports.ts";
import {
  type AddressType,
  addressTypeOf,
  type ServiceShape,
  type SliceEndpoint,
  sliceName,
  wantedService,
  wantedSlice,
} from "./made-objects.ts";
import { readMadeService } from "./made-service.ts";
import { serviceName } from "./names.ts";

export interface Write {
  /** What it is for. */
  readonly gateway: ObjectRef;
  readonly action: "apply" | "delete";
  /** To delete: as it is in the cluster. */
  readonly object: KubernetesObject;
  /** Nothing of that name is known, so that whatever is there is somebody else's. */
  readonly isNew: boolean;
}

/** A Gateway with all that is known of the place that it gets. */
export interface PlannedGateway {
  readonly needs: GatewayNeeds;
  /** Undefined: what its Service should be is not to be known, so that it stays as it is. */
  readonly shape: ServiceShape | undefined;
  readonly bindPorts: BindPorts;
  readonly endpoints: readonly SliceEndpoint[];
}

/** For Services that lost their Gateway to somebody else, see `abandonedServices`. */
export function planInfrastructure(gateways: readonly PlannedGateway[], view: ClusterView): Write[] {
  return gateways.flatMap((planned) => {
    const gateway = view.object(planned.needs.gateway);
    if (gateway === undefined || isGoing(gateway)) return [];
    return planOne(planned, gateway, view);
  });
}

/** Services of Gateways that have another controller by now; those of Gateways that are gone are collected as garbage. */
export function abandonedServices(
  services: readonly KubernetesObject[],
  controllerName: string,
  view: ClusterView,
): Write[] {
  return services.flatMap((service): Write[] => {
    const made = readMadeService(service);
    if (made === undefined || isGoing(service)) return [];
    const ref = gatewayRef(made.namespace, made.gateway.name);
    const gateway = view.object(ref);
    if (gateway?.metadata.uid !== made.gateway.uid) return [];
    const className = textAt(objectAt(gateway, "spec"), "gatewayClassName") ?? "";
    const gatewayClass = view.object({ ...ref, kind: "GatewayClass", namespace: "", name: className });
    const controller = textAt(objectAt(gatewayClass, "spec"), "controllerName");
    if (controller === undefined || controller === controllerName) return [];
    return [{ gateway: ref, action: "delete", object: service, isNew: false }];
  });
}

export function gatewayRef(namespace: string, name: string): ObjectRef {
  return { group: "gateway.networking.k8s.io", kind: "Gateway", namespace, name };
}

export function serviceRef({ namespace, name }: ObjectRef): ObjectRef {
  return { group: "", kind: "Service", namespace, name: serviceName(name) };
}

function planOne(
  { needs, shape, bindPorts, endpoints }: PlannedGateway,
  gateway: KubernetesObject,
  view: ClusterView,
): Write[] {
  const about = { gateway: needs.gateway };
  const live = view.object(serviceRef(needs.gateway));
  const writes: Write[] = [];
  if (live !== undefined) {
    const made = readMadeService(live);
    if (made === undefined || isGoing(live)) return [];
    const isOfAnother = made.gateway.uid !== gateway.metadata.uid;
    const isNamed = textAt(objectAt(live, "spec"), "clusterIP") === "None";
    // The address of a Service cannot be taken from it: it has to be made anew.
    if (isOfAnother || (shape !== undefined && isNamed !== (shape.kind === "named"))) {
      return [{ ...about, action: "delete", object: live, isNew: false }];
    }
  }
  // A Service without ports is none.
  if (shape !== undefined && bindPorts.size > 0) {
    const wanted = wantedService(gateway, needs, bindPorts, shape);
    if (!isApplied(wanted, live)) {
      writes.push({ ...about, action: "apply", object: wanted, isNew: live === undefined });
    }
  }
  if (live !== undefined) writes.push(...planSlices(live, needs, bindPorts, endpoints, view));
  return writes;
}

function planSlices(
  service: KubernetesObject,
  needs: GatewayNeeds,
  bindPorts: BindPorts,
  endpoints: readonly SliceEndpoint[],
  view: ClusterView,
): Write[] {
  return (["IPv4", "IPv6"] as const).flatMap((addressType: AddressType): Write[] => {
    const { namespace = "", name } = service.metadata;
    const ref = { group: "discovery.k8s.io", kind: "EndpointSlice", namespace };
    const live = view.object({ ...ref, name: sliceName(name, addressType) });
    const own = endpoints.filter(({ addresses: [address] }) => addressTypeOf(address) === addressType);
    if (live === undefined && own.length === 0) return [];
    const wanted = wantedSlice(service, needs, bindPorts, addressType, own);
    if (isApplied(wanted, live)) return [];
    return [{ gateway: needs.gateway, action: "apply", object: wanted, isNew: live === undefined }];
  });
}

function isGoing({ metadata }: KubernetesObject): boolean {
  return metadata["deletionTimestamp"] !== undefined;
}

/** Key of the object that a write is about. */
export function writeKey({ object }: Write): string {
  return objectKey(refOf(object));
}
