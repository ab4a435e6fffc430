// Sixth pass: what the status of every object would say, for the Kubernetes controller and for golden files.
import type { ObjectStatus } from "../../model/index.ts";
import type { CompiledGateway } from "../gateway-api/compile-gateway.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import { GATEWAY_CLASS, gatewayClassStatus } from "../gateway-api/gateway-class.ts";
import { gatewayStatus, listenerSetStatus } from "../gateway-api/gateway-status.ts";
import { X_BACKEND, xBackendVerdict } from "../gateway-api/x-backend.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import type { PolicyVerdicts } from "../policies/effects.ts";
import type { TranslateOptions } from "../translation.ts";
import { reportPolicies } from "./report-policies.ts";

export function reportStatus(
  objects: ObjectSet,
  options: TranslateOptions,
  gateways: readonly CompiledGateway[],
  routes: readonly CompiledRoute[],
  policies: readonly PolicyVerdicts[],
  recall: Recall,
): readonly ObjectStatus[] {
  const { controllerName, gatewayClass } = options;
  const classes = objects.all(GATEWAY_CLASS).filter(({ object, value }) => {
    if (controllerName === undefined) return true;
    return value.spec.controllerName === controllerName && object.name === (gatewayClass ?? object.name);
  });
  const attached = recall.result("attached routes", "", [routes], () => {
    const counts = new Map<string, number>();
    for (const { listeners } of routes) for (const id of listeners) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  });
  const xBackends = objects
    .all(X_BACKEND)
    .map((one) => recall.result("verdicts on backends", one, [], () => xBackendVerdict(one)));
  return [
    ...classes.map((one) => recall.result("class statuses", one, [], () => gatewayClassStatus(one))),
    ...recall.result("gateway statuses", "", [gateways, attached], () => {
      return gateways.flatMap((gateway) => [
        gatewayStatus(gateway, attached),
        ...gateway.sets.map((set) => listenerSetStatus(set, gateway, attached)),
      ]);
    }),
    ...routes.filter(({ status }) => status.parents?.length !== 0).map(({ status }) => status),
    ...reportPolicies(recall.list("verdicts", "", [...policies, ...xBackends]), gateways, routes, recall),
  ];
}
