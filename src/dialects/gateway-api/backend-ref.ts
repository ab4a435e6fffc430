// backendRefs of a rule: the fields, and the backends that they lead to.
import { z } from "zod";

import type { BackendReference, ReferenceProblem, ResolvedBackend } from "../dialect.ts";
import {
  checked,
  groupName,
  kindName,
  namespaceName,
  objectName,
  portNumber,
  rule,
} from "../schema/fields.ts";
import { filtersSchema } from "./filters.ts";
import { EXPERIMENTAL_GROUP } from "./names.ts";

export const backendRefSchema = checked(
  z.strictObject({
    group: groupName.default(""),
    kind: kindName.default("Service"),
    name: objectName,
    namespace: namespaceName.optional(),
    port: portNumber.optional(),
    weight: z.int().min(0).max(1_000_000).default(1),
    filters: filtersSchema,
  }),
  ({ group, kind, name, port }) => {
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
  },
);

export type BackendRefValue = z.output<typeof backendRefSchema>;

/** What a route must know of the rest of the configuration to follow a reference. */
export interface ReferenceResolver {
  /** Grants apply: a reference from `from` into another namespace needs one. */
  resolve(
    from: { group: string; kind: string; namespace: string },
    to: BackendReference,
  ): ResolvedBackend | ReferenceProblem;
}

export function referenceOf(value: BackendRefValue, namespace: string): BackendReference {
  const { group, kind, name, port } = value;
  return {
    group,
    kind,
    namespace: value.namespace ?? namespace,
    name,
    ...(port === undefined ? {} : { port }),
  };
}
