// ListenerSet: further listeners for a Gateway, in namespaces that it chooses (GEP-1713); its fields, and who takes it.
import { z } from "zod";
import { type ObjectRef, objectText } from "../../model/index.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import { checked, groupName, kindName, namespaceName, objectName } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { objectOf } from "./certificate-ref.ts";
import type { GatewayReading } from "./gateway.ts";
import { distinctListeners, listenerSchema } from "./listener.ts";
import { EXPERIMENTAL_GROUP, GATEWAY_GROUP } from "./names.ts";
import { comesFrom, type NamespaceLabels } from "./namespaces.ts";

const spec = z.strictObject({
  parentRef: z.strictObject({
    group: groupName.default(GATEWAY_GROUP),
    kind: kindName.default("Gateway"),
    name: objectName,
    namespace: namespaceName.optional(),
  }),
  listeners: checked(z.array(listenerSchema).min(1).max(64), distinctListeners),
});

export const LISTENER_SET = defineKind(
  { group: GATEWAY_GROUP, kind: "ListenerSet", versions: ["v1"] },
  { spec },
);

/** As Gateway API 1.3 and 1.4 had it. */
export const X_LISTENER_SET = defineKind(
  { group: EXPERIMENTAL_GROUP, kind: "XListenerSet", versions: ["v1alpha1"] },
  { spec },
);

export const LISTENER_SETS = [LISTENER_SET, X_LISTENER_SET] as const;

export type ListenerSetReading = Reading<ValueOf<typeof LISTENER_SET>>;

/** A ListenerSet that names a Gateway which is served, and whether that takes it. */
export interface NamedListenerSet {
  readonly reading: ListenerSetReading;
  readonly gateway: GatewayReading;
  readonly isAllowed: boolean;
}

export function parentOf({ object, value }: ListenerSetReading): ObjectRef {
  return objectOf(value.spec.parentRef, object.namespace);
}

export function isAllowedBy(
  gateway: GatewayReading,
  { object }: ListenerSetReading,
  labels: NamespaceLabels,
): boolean {
  const { namespaces } = gateway.value.spec.allowedListeners;
  return comesFrom(namespaces, gateway.object.namespace, object.namespace, labels);
}

export function notAllowed({ reading, gateway }: NamedListenerSet): FindingDraft {
  const { namespace } = reading.object;
  return draftFinding("listener-set-not-attached", reading.object, PARENT, {
    message: `${objectText(gateway.object)} allows no ListenerSets of namespace ${namespace}`,
    expected: "a Gateway whose allowedListeners choose this namespace",
    hint: "write allowedListeners: {namespaces: {from: All}} into the Gateway, or from: Same",
  });
}

export function parentNotThere(reading: ListenerSetReading): FindingDraft {
  return draftFinding("listener-set-not-attached", reading.object, PARENT, {
    message: `${objectText(parentOf(reading))} is not there, or could not be read`,
    expected: "a Gateway that is part of the configuration",
    hint: "correct name and namespace, or add the Gateway",
  });
}

const PARENT = ["spec", "parentRef"];
