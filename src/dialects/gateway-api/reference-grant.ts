// ReferenceGrant: which namespaces may name objects of this one.
import { z } from "zod";
import { groupName, kindName, namespaceName, objectName } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import type { Reading } from "../schema/read-object.ts";
import { GATEWAY_GROUP } from "./names.ts";

export const REFERENCE_GRANT = defineKind(
  { group: GATEWAY_GROUP, kind: "ReferenceGrant", versions: ["v1", "v1beta1", "v1alpha2"] },
  {
    spec: z.strictObject({
      from: z
        .array(z.strictObject({ group: groupName, kind: kindName, namespace: namespaceName }))
        .min(1)
        .max(16),
      to: z
        .array(z.strictObject({ group: groupName, kind: kindName, name: objectName.optional() }))
        .min(1)
        .max(16),
    }),
  },
);

export type ReferenceGrant = Reading<ValueOf<typeof REFERENCE_GRANT>>;

interface Named {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** Whether an object may name another: always in its own namespace, elsewhere where a grant says so. */
export function isReferencePermitted(
  grants: readonly ReferenceGrant[],
  from: Named,
  to: Named & { readonly name: string },
): boolean {
  if (from.namespace === to.namespace) return true;
  return grants.some(
    ({ object, value: { spec }, inError }) =>
      // Of a grant that could not be read in full, what is left may permit more than was meant.
      !inError &&
      object.namespace === to.namespace &&
      spec.from.some(
        (entry) =>
          entry.group === from.group && entry.kind === from.kind && entry.namespace === from.namespace,
      ) &&
      spec.to.some(
        (entry) =>
          entry.group === to.group &&
          entry.kind === to.kind &&
          (entry.name === undefined || entry.name === to.name),
      ),
  );
}

/** What to add where no grant permits a reference. */
export function grantHint(from: Named, to: Named): string {
  const spec = `{from: [{group: ${from.group}, kind: ${from.kind}, namespace: ${from.namespace}}], to: [{group: "${to.group}", kind: ${to.kind}}]}`;
  return `add a ReferenceGrant with spec: ${spec}`;
}
