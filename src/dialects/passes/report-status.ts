// Sixth pass: what the status of every object would say, for the Kubernetes controller and for golden files.
import type { Condition, ListenerStatus, ObjectStatus } from "../../model/index.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { CompiledGateway } from "../gateway-api/gateway.ts";
import { GATEWAY_CLASS, gatewayClassStatus } from "../gateway-api/gateway-class.ts";
import type { CompiledListener } from "../gateway-api/listener.ts";
import type { GatewayPlacement, PlacementProblem } from "../gateway-api/placement.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import type { PolicyStatus } from "../policies/effects.ts";
import type { TranslateOptions } from "../translation.ts";

export function reportStatus(
  objects: ObjectSet,
  options: TranslateOptions,
  gateways: readonly CompiledGateway[],
  routes: readonly CompiledRoute[],
  policies: readonly PolicyStatus[],
  recall: Recall,
): readonly ObjectStatus[] {
  const classes = objects
    .all(GATEWAY_CLASS)
    .filter(
      ({ value }) =>
        options.controllerName === undefined || value.spec.controllerName === options.controllerName,
    );
  const attached = recall.result("attached routes", "", [routes], () => {
    const counts = new Map<string, number>();
    for (const { listeners } of routes) for (const id of listeners) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  });
  return [
    ...classes.map(gatewayClassStatus),
    ...recall.result("gateway statuses", "", [gateways, attached], () => {
      return gateways.map((gateway) => gatewayStatus(gateway, attached));
    }),
    ...routes.filter(({ status }) => status.parents?.length !== 0).map(({ status }) => status),
    ...policies.map(({ object, conditions, ancestors }) => ({ object, conditions, parents: ancestors })),
  ];
}

function gatewayStatus(
  { reading, listeners, placement, admitsUnverified, unresolved }: CompiledGateway,
  attached: ReadonlyMap<string, number>,
): ObjectStatus {
  const addresses = placement?.addresses;
  return {
    object: reading.object,
    ...(addresses === undefined ? {} : { addresses }),
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

function accepted(
  reading: CompiledGateway["reading"],
  listeners: readonly CompiledListener[],
  placement: GatewayPlacement | undefined,
): Condition {
  if (reading.inError) {
    return condition("Accepted", false, "Invalid", "The Gateway is in error; see the findings");
  }
  if (placement?.problem?.condition === "Accepted") {
    return condition("Accepted", false, placement.problem.reason, problemText(placement.problem));
  }
  // What has no place yet is valid for all that.
  const valid = listeners.filter(({ refusal }) => refusal === undefined || refusal.reason === "Pending");
  return valid.length === listeners.length
    ? condition("Accepted", true, "Accepted", "The Gateway is served")
    : condition("Accepted", valid.length > 0, "ListenersNotValid", "Some listeners are not served");
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
  return value.spec.tls?.backend?.clientCertificateRef === undefined ? [] : [RESOLVED];
}

function listenerStatus(entry: CompiledListener, attached: ReadonlyMap<string, number>): ListenerStatus {
  const { attachable, refusal, badKinds, unresolved, overlaps } = entry;
  const { id, name, routeKinds, isOpen } = attachable;
  const conflicted = refusal?.type === "Conflicted";
  const unaccepted = refusal?.type === "Programmed" ? undefined : refusal;
  return {
    name,
    attachedRoutes: isOpen ? (attached.get(id) ?? 0) : 0,
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
        : condition(
            "Programmed",
            false,
            refusal.reason === "Pending" ? refusal.reason : "Invalid",
            refusal.message,
          ),
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

function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? "True" : "False", reason, message };
}

const RESOLVED = condition("ResolvedRefs", true, "ResolvedRefs", "All references lead somewhere");
