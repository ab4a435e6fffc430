// Sixth pass: what the status of every object would say, for the Kubernetes controller and for golden files.
import type { Condition, ListenerStatus, ObjectStatus } from "../../model/index.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { CompiledGateway } from "../gateway-api/gateway.ts";
import { GATEWAY_CLASS, gatewayClassStatus } from "../gateway-api/gateway-class.ts";
import type { GatewayListener } from "../gateway-api/listener.ts";
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
  { reading, listeners }: CompiledGateway,
  attached: ReadonlyMap<string, number>,
): ObjectStatus {
  const open = listeners.filter(({ listener }) => listener !== undefined).length;
  const programmed = open > 0;
  const allValid = open === listeners.length;
  return {
    object: reading.object,
    conditions: [
      reading.inError
        ? condition("Accepted", false, "Invalid", "The Gateway is in error; see the findings")
        : allValid
          ? condition("Accepted", true, "Accepted", "The Gateway is served")
          : condition("Accepted", programmed, "ListenersNotValid", "Some listeners are not served"),
      programmed
        ? condition("Programmed", true, "Programmed", "The Gateway is served")
        : condition("Programmed", false, "Invalid", "No listener can be opened"),
    ],
    listeners: listeners.map((listener) => listenerStatus(listener, attached)),
  };
}

function listenerStatus(entry: GatewayListener, attached: ReadonlyMap<string, number>): ListenerStatus {
  const { name, listener, refusal, badKinds, takesHttpRoutes } = entry;
  const accepted = refusal?.type !== "Accepted";
  const conflicted = refusal?.type === "Conflicted";
  return {
    name,
    attachedRoutes: listener === undefined ? 0 : (attached.get(listener.id) ?? 0),
    supportedKinds: takesHttpRoutes ? ["HTTPRoute"] : [],
    conditions: [
      accepted
        ? condition(
            "Accepted",
            !conflicted,
            conflicted ? "HostnameConflict" : "Accepted",
            refusal?.message ?? "The listener is valid",
          )
        : condition("Accepted", false, refusal?.reason ?? "", refusal?.message ?? ""),
      condition(
        "Conflicted",
        conflicted,
        conflicted ? "HostnameConflict" : "NoConflicts",
        refusal?.message ?? "No conflicts",
      ),
      badKinds.length > 0
        ? condition("ResolvedRefs", false, "InvalidRouteKinds", `Not served: ${badKinds.join(", ")}`)
        : condition("ResolvedRefs", true, "ResolvedRefs", "All references lead somewhere"),
      listener === undefined
        ? condition("Programmed", false, "Invalid", refusal?.message ?? "")
        : condition("Programmed", true, "Programmed", "The listener is served"),
    ],
  };
}

function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? "True" : "False", reason, message };
}
