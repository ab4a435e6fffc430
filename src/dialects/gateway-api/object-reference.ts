// A reference to a backend: the fields that backendRefs and mirrors share.
import { z } from "zod";
import type { BackendReference } from "../dialect.ts";
import {
  checked,
  type FieldProblem,
  groupName,
  kindName,
  namespaceName,
  objectName,
  portNumber,
  rule,
} from "../schema/fields.ts";
import { EXPERIMENTAL_GROUP } from "./names.ts";

export const objectReferenceFields = {
  group: groupName.default(""),
  kind: kindName.default("Service"),
  name: objectName,
  namespace: namespaceName.optional(),
  port: portNumber.optional(),
};

const fields = z.strictObject(objectReferenceFields);

export type ObjectReferenceValue = z.output<typeof fields>;

/** BackendObjectReference of the specification. */
export const objectReference = checked(fields, portFitsKind);

export function portFitsKind({ group, kind, name, port }: ObjectReferenceValue): FieldProblem | undefined {
  if (group === "" && kind === "Service" && port === undefined) {
    return rule({
      absent: ["port"],
      message: `the reference to Service ${name} has no port`,
      expected: "port, a port of the Service",
      hint: "add port: 80",
    });
  }
  if (group === EXPERIMENTAL_GROUP && kind === "XBackend" && port !== undefined) {
    return rule({
      path: ["port"],
      message: "a reference to an XBackend has no port",
      expected: "no port: the XBackend has one itself",
      hint: "remove port",
    });
  }
  return undefined;
}

/** `namespace`: that of the object that refers. */
export function referenceOf(value: ObjectReferenceValue, namespace: string): BackendReference {
  const { group, kind, name, port } = value;
  return {
    group,
    kind,
    namespace: value.namespace ?? namespace,
    name,
    ...(port === undefined ? {} : { port }),
  };
}
