// parentRefs of a route: the fields, and the listeners that take the route.
import { z } from "zod";
import { type ObjectRef, objectText, type RouteAttachment } from "../../model/index.ts";
import type { FindingText } from "../findings.ts";
import {
  checked,
  type FieldProblem,
  groupName,
  kindName,
  namespaceName,
  objectName,
  portNumber,
  rule,
  sectionName,
} from "../schema/fields.ts";
import { hostnamesOn, intersectHostnames } from "./hostnames.ts";
import { type GatewayListener, ROUTE_KIND } from "./listener.ts";
import { LISTENER_SETS } from "./listener-set.ts";
import { GATEWAY_GROUP } from "./names.ts";
import { comesFrom, type NamespaceLabels } from "./namespaces.ts";

const parentRef = z.strictObject({
  group: groupName.default(GATEWAY_GROUP),
  kind: kindName.default("Gateway"),
  namespace: namespaceName.optional(),
  name: objectName,
  sectionName: sectionName.optional(),
  port: portNumber.optional(),
});

export type ParentRefValue = z.output<typeof parentRef>;

export const parentRefsSchema = checked(z.array(parentRef).max(32), (parents) => {
  const problems: FieldProblem[] = [];
  for (const [index, parent] of parents.entries()) {
    const twin = parents.slice(0, index).find((other) => sameObject(other, parent));
    if (twin === undefined) continue;
    const apart = [twin, parent].every((one) => one.sectionName !== undefined || one.port !== undefined);
    if (apart && (twin.sectionName !== parent.sectionName || twin.port !== parent.port)) continue;
    problems.push(
      rule({
        path: [index],
        message: `${parent.kind} ${parent.name} is named by two parentRefs that nothing tells apart`,
        expected: "another sectionName or port in each reference to the same parent",
        hint: "add sectionName to both, or remove one",
      }),
    );
  }
  return problems;
}).default([]);

function sameObject(a: ParentRefValue, b: ParentRefValue): boolean {
  return a.group === b.group && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

/** Listeners by object key of the Gateway or ListenerSet that they are written in; those that are not served are not in it. */
export interface Parents {
  readonly listeners: ReadonlyMap<string, readonly GatewayListener[]>;
  readonly namespaceLabels: NamespaceLabels;
}

export interface AttachedListener extends RouteAttachment {
  readonly to: GatewayListener;
  /** What of `hostnames` is the listener's too. */
  readonly served: readonly string[];
}

export interface ParentVerdict {
  readonly attachments: readonly AttachedListener[];
  /** Why no listener takes the route; undefined where one does. */
  readonly refusal: (FindingText & { readonly reason: string }) | undefined;
}

/**
 * Goes from the widest question to the narrowest, so that the refusal names the first thing that stands in the way.
 * Whether a listener is open is none of these questions: what is attached to it says nothing of its state.
 */
export function attachToParent(
  parent: ParentRefValue,
  gatewayListeners: readonly GatewayListener[],
  route: { readonly object: ObjectRef; readonly hostnames: readonly string[] },
  parents: Parents,
): ParentVerdict {
  const named = gatewayListeners.filter(
    ({ name, port }) =>
      (parent.sectionName === undefined || parent.sectionName === name) &&
      (parent.port === undefined || parent.port === port),
  );
  if (gatewayListeners.length === 0) {
    const hint = "allow it in the allowedListeners of its Gateway, or name a Gateway";
    return refused(
      "NoMatchingParent",
      `no Gateway takes the ${parent.kind}`,
      "a parent that is served",
      hint,
    );
  }
  if (named.length === 0) {
    const all = gatewayListeners.map(({ name, port }) => `${name} (port ${port})`).join(", ");
    return refused(
      "NoMatchingParent",
      `the ${parent.kind} has no such listener`,
      `one of ${all}`,
      "correct sectionName or port",
    );
  }
  const names = (listeners: readonly GatewayListener[]) => listeners.map(({ name }) => name).join(", ");
  const { kind } = route.object;
  const taking = named.filter(({ routeKinds }) => routeKinds.includes(kind));
  if (taking.length === 0) {
    const message = `${names(named)} takes no ${kind}s`;
    const protocols = Object.keys(ROUTE_KIND).filter((protocol) => ROUTE_KIND[protocol] === kind);
    const hint = `name a listener of protocol ${protocols.join(" or ")} whose allowedRoutes.kinds has ${kind}, or is left out`;
    return refused("NotAllowedByListeners", message, `a listener that takes ${kind}s`, hint);
  }
  const allowed = taking.filter((listener) => allowsNamespace(listener, route.object, parents));
  if (allowed.length === 0) {
    const message = `${names(taking)} does not allow routes of namespace ${route.object.namespace}`;
    const hint = "set allowedRoutes.namespaces on the listener, for example from: All";
    return refused("NotAllowedByListeners", message, "a listener whose allowedRoutes take the route", hint);
  }
  const attachments = allowed
    .map((to) => ({
      to,
      listener: to.id,
      hostnames: hostnamesOn(to.hostname, route.hostnames),
      served: intersectHostnames(to.hostname, route.hostnames),
    }))
    .filter(({ served }) => served.length > 0);
  if (attachments.length === 0) {
    const wanted = allowed.map(({ hostname }) => hostname ?? "*").join(", ");
    const message = `no hostname of the route (${route.hostnames.join(", ")}) is one of the listener (${wanted})`;
    return refused(
      "NoMatchingListenerHostname",
      message,
      `hostnames within ${wanted}`,
      "change hostnames here or there",
    );
  }
  return { attachments, refusal: undefined };
}

export function missingParent(parent: ParentRefValue, namespace: string): ParentVerdict {
  const object = {
    group: parent.group,
    kind: parent.kind,
    namespace: parent.namespace ?? namespace,
    name: parent.name,
  };
  const isKnown = PARENT_KINDS.some(({ group, kind }) => group === parent.group && kind === parent.kind);
  const unattached = parent.kind === "Gateway" ? "" : ", or its Gateway is not there";
  const message = isKnown
    ? `${objectText(object)} is not there, or could not be read${unattached}`
    : `a parent of kind ${parent.kind} is not served, only Gateways and ListenerSets are`;
  const hint = isKnown ? `correct name and namespace, or add the ${parent.kind}` : "name a Gateway";
  return refused("NoMatchingParent", message, "a Gateway that is part of the configuration", hint);
}

const PARENT_KINDS = [{ group: GATEWAY_GROUP, kind: "Gateway" }, ...LISTENER_SETS];

function refused(reason: string, message: string, expected: string, hint: string): ParentVerdict {
  return { attachments: [], refusal: { reason, message, expected, hint } };
}

function allowsNamespace(
  { namespaces, owner }: GatewayListener,
  route: ObjectRef,
  { namespaceLabels }: Parents,
): boolean {
  return comesFrom(namespaces, owner.namespace, route.namespace, namespaceLabels);
}
