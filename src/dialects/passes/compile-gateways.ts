// Second pass: Gateways become listeners, oldest first, so that of two that want the same place the older has it.
import { type Listener, type ObjectRef, objectKey } from "../../model/index.ts";
import { credentialInputs } from "../credentials.ts";
import type { FindingDraft } from "../findings.ts";
import { type CompiledGateway, compileGateway } from "../gateway-api/compile-gateway.ts";
import { credentialRefs, GATEWAY, type GatewayReading, gatewayNeeds } from "../gateway-api/gateway.ts";
import { GATEWAY_CLASS } from "../gateway-api/gateway-class.ts";
import { type GatewayListener, listenerCredentials } from "../gateway-api/listener.ts";
import { conflict, type PortFamily, portFamily } from "../gateway-api/listener-conflicts.ts";
import type { ListenerRefusal } from "../gateway-api/listener-remark.ts";
import {
  isAllowedBy,
  LISTENER_SETS,
  type NamedListenerSet,
  parentNotThere,
  parentOf,
} from "../gateway-api/listener-set.ts";
import { namespaceLabels } from "../gateway-api/namespaces.ts";
import { type GatewayPlacement, NOWHERE, placementText } from "../gateway-api/placement.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { compareAge } from "../policies/effects.ts";
import type { Metadata } from "../schema/metadata.ts";
import type { Reading } from "../schema/read-object.ts";
import type { TranslateOptions } from "../translation.ts";

export interface CompiledGateways {
  /** Keeps its identity while nothing about any Gateway, or about the certificates it names, changes. */
  readonly gateways: readonly CompiledGateway[];
  readonly findings: readonly FindingDraft[];
}

export function compileGateways(
  objects: ObjectSet,
  options: TranslateOptions,
  recall: Recall,
): CompiledGateways {
  const classes = objects.all(GATEWAY_CLASS);
  const all = objects.all(GATEWAY);
  const inputs = [classes, all, options.controllerName, options.gatewayClass];
  const served = recall.result("served gateways", "", inputs, () => {
    const ours = new Set(
      classes.filter(({ value }) => value.spec.controllerName === options.controllerName).map(nameOf),
    );
    return all
      .filter(({ value: { spec } }) => {
        const { controllerName, gatewayClass = spec.gatewayClassName } = options;
        return (
          controllerName === undefined ||
          (ours.has(spec.gatewayClassName) && spec.gatewayClassName === gatewayClass)
        );
      })
      .sort(oldestFirst);
  });
  const { named, findings } = namedSets(served, objects, options, recall);
  const setsOf = (gateway: GatewayReading) => named.filter((set) => set.gateway === gateway);
  const placements = placementsOf(served, setsOf, options, recall);
  const credentials = credentialsOf(served, named, objects, recall);
  const gateways = recall.result("gateways", "", [served, named, ...placements, ...credentials], () => {
    const takenBy = placeKeeper();
    return served.map((reading, index) =>
      compileGateway(reading, setsOf(reading), objects, takenBy, placements[index]),
    );
  });
  return { gateways, findings };
}

function nameOf({ object }: { readonly object: ObjectRef }): string {
  return object.name;
}

type Aged = Reading<{ readonly metadata: Metadata }>;

function oldestFirst(a: Aged, b: Aged): number {
  return compareAge(
    a.value.metadata.creationTimestamp,
    a.object,
    b.value.metadata.creationTimestamp,
    b.object,
  );
}

/** The ListenerSets that name one of the Gateways, oldest first. */
function namedSets(
  served: readonly GatewayReading[],
  objects: ObjectSet,
  { controllerName }: TranslateOptions,
  recall: Recall,
): { readonly named: readonly NamedListenerSet[]; readonly findings: readonly FindingDraft[] } {
  const all = LISTENER_SETS.flatMap((kind) => objects.all(kind)).sort(oldestFirst);
  if (all.length === 0) return NO_SETS;
  const labels = namespaceLabels(objects);
  const gateways = recall.result("served gateways by key", "", [served], () => {
    return new Map(served.map((gateway) => [objectKey(gateway.object), gateway]));
  });
  const named: NamedListenerSet[] = [];
  const findings: FindingDraft[] = [];
  for (const reading of all) {
    const gateway = gateways.get(objectKey(parentOf(reading)));
    if (gateway !== undefined) {
      const isAllowed = isAllowedBy(gateway, reading, labels);
      const inputs = [gateway, isAllowed];
      named.push(
        recall.result("named listener sets", reading, inputs, () => ({ reading, gateway, isAllowed })),
      );
    } else if (controllerName === undefined && !reading.inError) {
      // Else it may be that of another controller's Gateway.
      findings.push(recall.result("listener sets of nobody", reading, [], () => parentNotThere(reading)));
    }
  }
  return { named: recall.list("listener sets", "", named), findings };
}

const NO_SETS = { named: [], findings: [] } as const;

/** One for each Gateway, the same object while it says the same. */
function placementsOf(
  served: readonly GatewayReading[],
  setsOf: (gateway: GatewayReading) => readonly NamedListenerSet[],
  { place }: TranslateOptions,
  recall: Recall,
): readonly (GatewayPlacement | undefined)[] {
  if (place === undefined) return [];
  const placements = place(served.map((gateway) => gatewayNeeds(gateway, setsOf(gateway))));
  return served.map(({ object }, index) => {
    const placement = placements[index] ?? NOWHERE;
    return recall.result("placements", objectKey(object), [placementText(placement)], () => placement);
  });
}

/** What all the references of listeners lead to. */
function credentialsOf(
  gateways: readonly GatewayReading[],
  sets: readonly NamedListenerSet[],
  objects: ObjectSet,
  recall: Recall,
): readonly unknown[] {
  const ofGateways = gateways.map((reading) => {
    const refs = recall.result("certificate references", reading, [], () => credentialRefs(reading));
    return { object: reading.object, refs };
  });
  const ofSets = sets.map(({ reading }) => {
    const { object, value } = reading;
    const refs = recall.result("certificate references", reading, [], () =>
      listenerCredentials(value.spec.listeners, object.namespace),
    );
    return { object, refs };
  });
  return [...ofGateways, ...ofSets].flatMap(({ object, refs }) => {
    return refs.flatMap((ref) => credentialInputs(objects, object, ref));
  });
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
 * Listeners by object key of the Gateway or ListenerSet that they are written in, for routes to attach to. Each is the same
 * object while nothing changes that matters to a route: a new certificate is nothing to them.
 */
export function attachableListeners(
  gateways: readonly CompiledGateway[],
  recall: Recall,
): ReadonlyMap<string, readonly GatewayListener[]> {
  const owners = gateways.flatMap((gateway) => [gateway, ...gateway.sets]);
  const entries = owners.map(({ reading, listeners }): [string, readonly GatewayListener[]] => {
    const kept = listeners.map(({ attachable }) => {
      const { id, gateway, port, hostname, namespaces, routeKinds, isOpen } = attachable;
      const inputs = [objectKey(gateway), port, hostname, namespaces, isOpen, ...routeKinds];
      return recall.result("attachable listeners", id, inputs, () => attachable);
    });
    return [objectKey(reading.object), kept];
  });
  const all = entries.flatMap(([key, listeners]) => [key, ...listeners]);
  return recall.result("listeners by gateway", "", all, () => new Map(entries));
}
