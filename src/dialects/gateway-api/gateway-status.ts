// What the statuses of a Gateway, of its ListenerSets and of the listeners in both say.
import type { Condition, ListenerStatus, ObjectStatus } from "../../model/index.ts";
import type { Reading } from "../schema/read-object.ts";
import type { CompiledGateway, CompiledListenerSet } from "./compile-gateway.ts";
import { clientCertificate } from "./gateway.ts";
import type { CompiledListener } from "./listener.ts";
import type { ListenerRefusal } from "./listener-remark.ts";
import type { GatewayPlacement, PlacementProblem } from "./placement.ts";

/** By listener id. */
type AttachedRoutes = ReadonlyMap<string, number>;

export function gatewayStatus(gateway: CompiledGateway, attached: AttachedRoutes): ObjectStatus {
  const { reading, listeners, sets, placement, admitsUnverified, unresolved } = gateway;
  const addresses = placement?.addresses;
  return {
    object: reading.object,
    ...(addresses === undefined ? {} : { addresses }),
    ...(sets.length === 0 && reading.value.spec.allowedListeners.namespaces.from === "None"
      ? {}
      : { attachedListenerSets: sets.filter((set) => isAttached(set, gateway)).length }),
    conditions: [
      accepted(reading, listeners, placement),
      programmed(listeners, placement),
      ...gatewayReferences(reading, listeners, unresolved),
      ...(admitsUnverified
        ? [
            condition(
              "InsecureFrontendValidationMode",
              true,
              "ConfigurationChanged",
              "Clients are served whose certificate is missing, or was not verified",
            ),
          ]
        : []),
    ],
    listeners: listeners.map((listener) => listenerStatus(listener, attached)),
  };
}

/** GEP-1713: allowed there, and with at least one listener that can be served. */
function isAttached(set: CompiledListenerSet, gateway: CompiledGateway): boolean {
  return setRefusal(set, gateway) === undefined;
}

function setRefusal(
  { reading, isAllowed, listeners }: CompiledListenerSet,
  { reading: parent, placement }: CompiledGateway,
): { readonly reason: string; readonly message: string } | undefined {
  if (!isAllowed) return { reason: "NotAllowed", message: "The Gateway does not allow it; see the findings" };
  if (isInError(reading)) {
    return { reason: "Invalid", message: "The ListenerSet is in error; see the findings" };
  }
  if (isInError(parent) || placement?.problem?.condition === "Accepted") {
    return { reason: "ParentNotAccepted", message: "The Gateway is not accepted; see there" };
  }
  if (listeners.some(isValid)) return undefined;
  return { reason: "ListenersNotValid", message: "None of the listeners can be served" };
}

export function listenerSetStatus(
  set: CompiledListenerSet,
  gateway: CompiledGateway,
  attached: AttachedRoutes,
): ObjectStatus {
  const { reading, listeners } = set;
  const refusal = setRefusal(set, gateway);
  const isOpen = listeners.some(({ listener }) => listener !== undefined);
  const problem = gateway.placement?.problem;
  const unprogrammed =
    problem === undefined && isOpen
      ? undefined
      : { reason: "ParentNotProgrammed", message: "The Gateway is not programmed; see there" };
  const inTheWay = refusal ?? unprogrammed;
  return {
    object: reading.object,
    conditions: [
      refusal !== undefined
        ? condition("Accepted", false, refusal.reason, refusal.message)
        : listeners.every(isValid)
          ? condition("Accepted", true, "Accepted", "The listeners are the Gateway's")
          : condition("Accepted", true, "ListenersNotValid", "Some listeners are not served"),
      inTheWay === undefined
        ? condition("Programmed", true, "Programmed", "The ListenerSet is served")
        : condition("Programmed", false, inTheWay.reason, inTheWay.message),
    ],
    listeners: listeners.map((listener) => listenerStatus(listener, attached)),
  };
}

/** As it is now, whether or not a last good form is served in its stead. */
function isInError({ inError, isOutdated = false }: Pick<Reading, "inError" | "isOutdated">): boolean {
  return inError || isOutdated;
}

/** What has no place yet is valid for all that. */
function isValid({ refusal }: CompiledListener): boolean {
  return refusal === undefined || refusal.reason === "Pending";
}

function accepted(
  reading: CompiledGateway["reading"],
  listeners: readonly CompiledListener[],
  placement: GatewayPlacement | undefined,
): Condition {
  if (isInError(reading)) {
    return condition("Accepted", false, "Invalid", "The Gateway is in error; see the findings");
  }
  if (placement?.problem?.condition === "Accepted") {
    return condition("Accepted", false, placement.problem.reason, problemText(placement.problem));
  }
  return listeners.every(isValid)
    ? condition("Accepted", true, "Accepted", "The Gateway is served")
    : condition("Accepted", listeners.some(isValid), "ListenersNotValid", "Some listeners are not served");
}

function programmed(
  listeners: readonly CompiledListener[],
  placement: GatewayPlacement | undefined,
): Condition {
  const problem = placement?.problem;
  if (problem !== undefined) {
    const reason = problem.condition === "Programmed" ? problem.reason : "Invalid";
    return condition("Programmed", false, reason, problemText(problem));
  }
  if (listeners.some(({ listener }) => listener !== undefined)) {
    return condition("Programmed", true, "Programmed", "The Gateway is served");
  }
  const isPending = listeners.some(({ refusal }) => refusal?.reason === "Pending");
  return condition("Programmed", false, isPending ? "Pending" : "Invalid", "No listener can be opened");
}

function problemText({ message, remedy }: PlacementProblem): string {
  return remedy === undefined ? message : `${message}: ${remedy.hint}`;
}

/** The specification has no say in Gateways that refer to nothing; those that do get a verdict. */
function gatewayReferences(
  { value }: CompiledGateway["reading"],
  listeners: readonly CompiledListener[],
  unresolved: CompiledGateway["unresolved"],
): Condition[] {
  if (unresolved !== undefined) {
    return [condition("ResolvedRefs", false, unresolved.reason, unresolved.message)];
  }
  const open = listeners.filter((one) => one.unresolved !== undefined || one.badKinds.length > 0);
  if (open.length > 0) {
    const names = open.map(({ attachable }) => attachable.name).join(", ");
    return [condition("ResolvedRefs", false, "ListenersNotResolved", `See the listeners ${names}`)];
  }
  return clientCertificate(value.spec) === undefined ? [] : [RESOLVED];
}

function listenerStatus(entry: CompiledListener, attached: AttachedRoutes): ListenerStatus {
  const { attachable, refusal, badKinds, unresolved, overlaps } = entry;
  const { id, name, routeKinds } = attachable;
  const conflicted = refusal?.type === "Conflicted";
  const unaccepted = refusal?.type === "Programmed" ? undefined : refusal;
  return {
    name,
    attachedRoutes: attached.get(id) ?? 0,
    supportedKinds: routeKinds,
    conditions: [
      unaccepted === undefined
        ? condition("Accepted", true, "Accepted", "The listener is valid")
        : condition("Accepted", false, unaccepted.reason, unaccepted.message),
      conflicted
        ? condition("Conflicted", true, refusal.reason, refusal.message)
        : condition("Conflicted", false, "NoConflicts", "No conflicts"),
      unresolved !== undefined
        ? condition("ResolvedRefs", false, unresolved.reason, unresolved.message)
        : badKinds.length > 0
          ? condition("ResolvedRefs", false, "InvalidRouteKinds", `Not served: ${badKinds.join(", ")}`)
          : RESOLVED,
      refusal === undefined
        ? condition("Programmed", true, "Programmed", "The listener is served")
        : condition("Programmed", false, unprogrammedReason(refusal), refusal.message),
      ...(overlaps.length === 0
        ? []
        : [
            condition(
              "OverlappingTLSConfig",
              true,
              "OverlappingHostnames",
              `Hostnames overlap with those of ${overlaps.join(", ")}`,
            ),
          ]),
    ],
  };
}

function unprogrammedReason({ type, reason }: ListenerRefusal): string {
  return type === "Conflicted" || reason === "Pending" ? reason : "Invalid";
}

function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? "True" : "False", reason, message };
}

const RESOLVED = condition("ResolvedRefs", true, "ResolvedRefs", "All references lead somewhere");
