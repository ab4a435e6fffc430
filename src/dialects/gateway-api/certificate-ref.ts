// References to certificates and to authorities: the fields of all their shapes.
import { z } from "zod";
import type { ObjectRef } from "../../model/index.ts";
import { groupName, kindName, namespaceName, objectName } from "../schema/fields.ts";

/** SecretObjectReference of the specification. */
export const secretRef = z.strictObject({
  group: groupName.default(""),
  kind: kindName.default("Secret"),
  name: objectName,
  namespace: namespaceName.optional(),
});

/** LocalObjectReference: to an object of the same namespace. */
export const localRef = z.strictObject({ group: groupName, kind: kindName, name: objectName });

/** ObjectReference. */
export const objectRef = localRef.extend({ namespace: namespaceName.optional() });

interface RefValue {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** `namespace`: that of the object that refers. */
export function objectOf({ group, kind, name, ...rest }: RefValue, namespace: string): ObjectRef {
  return { group, kind, namespace: rest.namespace ?? namespace, name };
}
