// Fourth pass: routes attach to listeners, and their rules lead to backends; oldest route first.

import { objectText } from "../../model/index.ts";
import type {
  BackendAlias,
  BackendKind,
  BackendReference,
  ReferenceProblem,
  ResolvedBackend,
} from "../dialect.ts";
import type { CompiledGateway } from "../gateway-api/compile-gateway.ts";
import { type CompiledRoute, compileRoute, type RouteContext } from "../gateway-api/compile-route.ts";
import { HTTP_ROUTE } from "../gateway-api/http-route.ts";
import { namespaceLabels } from "../gateway-api/namespaces.ts";
import { grantHint, isReferencePermitted, REFERENCE_GRANT } from "../gateway-api/reference-grant.ts";
import { compileTlsRoute, TLS_ROUTE } from "../gateway-api/tls-route.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { compareAge, type Effects } from "../policies/effects.ts";
import type { TranslateOptions } from "../translation.ts";
import { attachableListeners } from "./compile-gateways.ts";

export function compileRoutes(
  objects: ObjectSet,
  gateways: readonly CompiledGateway[],
  effects: Effects,
  backendKinds: readonly BackendKind[],
  aliases: readonly BackendAlias[],
  options: TranslateOptions,
  recall: Recall,
): readonly CompiledRoute[] {
  const context = routeContext(objects, gateways, effects, backendKinds, aliases, options, recall);
  const compiled = [
    ...objects.all(HTTP_ROUTE).map((reading) => {
      return recall.result("routes", reading, [context], () => compileRoute(reading, context));
    }),
    ...objects.all(TLS_ROUTE).map((reading) => {
      return recall.result("routes", reading, [context], () => compileTlsRoute(reading, context));
    }),
  ];
  // The list in order of precedence is the same while all its routes are.
  return recall.result("routes by precedence", "", compiled, () => {
    return [...compiled].sort((a, b) =>
      compareAge(a.creationTimestamp, a.object, b.creationTimestamp, b.object),
    );
  });
}

/** What all routes look at. It is a new one, and all routes compile again, only when some part of it changed. */
function routeContext(
  objects: ObjectSet,
  gateways: readonly CompiledGateway[],
  effects: Effects,
  backendKinds: readonly BackendKind[],
  aliases: readonly BackendAlias[],
  options: TranslateOptions,
  recall: Recall,
): RouteContext {
  const grants = objects.all(REFERENCE_GRANT);
  const labels = namespaceLabels(objects);
  const everyGateway = options.controllerName === undefined;
  const listeners = attachableListeners(gateways, recall);
  const backends = backendKinds.map((kind) => objects.all(kind.kind));
  const named = aliases.flatMap((alias) => alias.dependsOn(objects));
  return recall.result(
    "route context",
    "",
    [
      listeners,
      grants,
      labels,
      effects,
      everyGateway,
      options.allowExternalName,
      options.sealTokens,
      ...backends,
      ...named,
    ],
    () => ({
      parents: { listeners, namespaceLabels: labels },
      effects,
      everyGateway,
      options,
      resolve: (from, to) => {
        const alias = aliases.find(({ group, kind }) => group === to.group && kind === to.kind);
        const meant = alias === undefined ? to : alias.follow(to, objects);
        if (meant === undefined) return notThere(to);
        if (!isReferencePermitted(grants, from, meant)) return notPermitted(from, meant);
        return resolveBackend(objects, backendKinds, meant, options);
      },
    }),
  );
}

function resolveBackend(
  objects: ObjectSet,
  backendKinds: readonly BackendKind[],
  to: BackendReference,
  options: TranslateOptions,
): ResolvedBackend | ReferenceProblem {
  const backendKind = backendKinds.find(({ kind }) => kind.group === to.group && kind.kind === to.kind);
  if (backendKind === undefined) {
    const known = [...new Set(backendKinds.map(({ kind }) => kind.kind))].join(", ");
    return {
      reason: "InvalidKind",
      message: `${to.kind} of group ${JSON.stringify(to.group)} is no kind of backend`,
      expected: `one of ${known}`,
      hint: "write kind: Service and no group",
      field: "kind",
    };
  }
  const object = objects.get(backendKind.kind, to.namespace, to.name);
  return object === undefined ? notThere(to) : backendKind.resolve(object, to, options);
}

function notThere(to: BackendReference): ReferenceProblem {
  return {
    reason: "BackendNotFound",
    message: `${objectText(to)} is not there`,
    expected: "a backend that is part of the configuration",
    hint: "correct name and namespace, or add the object",
    field: "name",
  };
}

function notPermitted(
  from: { readonly group: string; readonly kind: string; readonly namespace: string },
  to: BackendReference,
): ReferenceProblem {
  return {
    reason: "RefNotPermitted",
    message: `no ReferenceGrant in namespace ${to.namespace} permits the reference to ${objectText(to)}`,
    expected: `a ReferenceGrant in namespace ${to.namespace}`,
    hint: grantHint(from, to),
    field: "namespace",
  };
}
