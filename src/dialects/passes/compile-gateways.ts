// Second pass: Gateways become listeners, oldest first, so that of two that want the same place the older has it.
import { type Listener, type ObjectRef, objectKey } from "../../model/index.ts";
import { credentialInputs } from "../credentials.ts";
import {
  type CompiledGateway,
  compileGateway,
  credentialRefs,
  GATEWAY,
  type GatewayReading,
  gatewayNeeds,
} from "../gateway-api/gateway.ts";
import { GATEWAY_CLASS } from "../gateway-api/gateway-class.ts";
import type { GatewayListener, ListenerRefusal } from "../gateway-api/listener.ts";
import { conflict, type PortFamily, portFamily } from "../gateway-api/listener-conflicts.ts";
import { type GatewayPlacement, NOWHERE, placementText } from "../gateway-api/placement.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { compareAge } from "../policies/effects.ts";
import type { TranslateOptions } from "../translation.ts";

/** `gateways` keeps its identity while nothing about any Gateway, or about the certificates it names, changes. */
export function compileGateways(
  objects: ObjectSet,
  options: TranslateOptions,
  recall: Recall,
): readonly CompiledGateway[] {
  const classes = objects.all(GATEWAY_CLASS);
  const gateways = objects.all(GATEWAY);
  const credentials = gateways.flatMap((gateway) => credentialsOf(gateway, objects, recall));
  const inputs = [classes, gateways, options.controllerName, options.gatewayClass];
  const served = recall.result("served gateways", "", inputs, () => {
    const ours = new Set(
      classes.filter(({ value }) => value.spec.controllerName === options.controllerName).map(nameOf),
    );
    return gateways
      .filter(({ value: { spec } }) => {
        const { controllerName, gatewayClass = spec.gatewayClassName } = options;
        return (
          controllerName === undefined ||
          (ours.has(spec.gatewayClassName) && spec.gatewayClassName === gatewayClass)
        );
      })
      .sort((a, b) =>
        compareAge(
          a.value.metadata.creationTimestamp,
          a.object,
          b.value.metadata.creationTimestamp,
          b.object,
        ),
      );
  });
  const placements = placementsOf(served, options, recall);
  return recall.result("gateways", "", [served, ...placements, ...credentials], () => {
    const takenBy = placeKeeper();
    return served.map((reading, index) => compileGateway(reading, objects, takenBy, placements[index]));
  });
}

function nameOf({ object }: { readonly object: ObjectRef }): string {
  return object.name;
}

/** One for each Gateway, the same object while it says the same. */
function placementsOf(
  served: readonly GatewayReading[],
  { place }: TranslateOptions,
  recall: Recall,
): readonly (GatewayPlacement | undefined)[] {
  if (place === undefined) return [];
  const placements = place(served.map(gatewayNeeds));
  return served.map(({ object }, index) => {
    const placement = placements[index] ?? NOWHERE;
    return recall.result("placements", objectKey(object), [placementText(placement)], () => placement);
  });
}

function credentialsOf(gateway: GatewayReading, objects: ObjectSet, recall: Recall): readonly unknown[] {
  const refs = recall.result("certificate references", gateway, [], () => credentialRefs(gateway));
  return refs.flatMap((ref) => credentialInputs(objects, gateway.object, ref));
}

/** Gives each place to the first that asks; a port belongs to those who speak TLS or to those who do not. */
function placeKeeper(): (listener: Listener) => ListenerRefusal | undefined {
  const places = new Map<string, string>();
  const ports = new Map<string, { readonly family: PortFamily | undefined; readonly id: string }>();
  return (listener) => {
    const { id, addresses, port, bindPort = port, hostname } = listener;
    const family = portFamily(listener);
    // Gateways without an address of their own share the process's.
    const bound = (addresses.length === 0 ? ["*"] : addresses).map((address) => `${address} ${bindPort}`);
    const other = bound
      .map((key) => ports.get(key))
      .find((one) => one !== undefined && one.family !== family);
    if (other !== undefined) {
      return conflict("ProtocolConflict", `${other.id} already has its port with another protocol`);
    }
    const wanted = [id, ...bound.map((key) => `${key} ${hostname ?? "*"}`)];
    const holder = wanted.map((place) => places.get(place)).find((one) => one !== undefined);
    if (holder !== undefined) {
      return conflict("HostnameConflict", `${holder} already has its place or its name`);
    }
    for (const place of wanted) places.set(place, id);
    for (const key of bound) ports.set(key, { family, id });
    return undefined;
  };
}

/**
 * Listeners by object key of their Gateway, for routes to attach to. Each is the same object while nothing changes that
 * matters to a route: a new certificate is nothing to them.
 */
export function attachableListeners(
  gateways: readonly CompiledGateway[],
  recall: Recall,
): ReadonlyMap<string, readonly GatewayListener[]> {
  const entries = gateways.map(({ reading, listeners }): [string, readonly GatewayListener[]] => {
    const kept = listeners.map(({ attachable }) => {
      const { id, port, hostname, namespaces, routeKinds, isOpen } = attachable;
      const inputs = [port, hostname, namespaces, isOpen, ...routeKinds];
      return recall.result("attachable listeners", id, inputs, () => attachable);
    });
    return [objectKey(reading.object), kept];
  });
  const all = entries.flatMap(([key, listeners]) => [key, ...listeners]);
  return recall.result("listeners by gateway", "", all, () => new Map(entries));
}
