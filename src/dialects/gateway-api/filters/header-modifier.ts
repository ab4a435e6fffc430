// RequestHeaderModifier and ResponseHeaderModifier: the fields, and the edit that they describe.
import { z } from "zod";
import type { HeaderEdit } from "../../../model/index.ts";
import { checked, fieldName, repeatedNames } from "../../schema/fields.ts";

const headerValue = z.string().min(1).max(4096);

const headers = checked(z.array(z.strictObject({ name: fieldName, value: headerValue })).max(16), (entries) =>
  repeatedNames(entries, "headers"),
).default([]);

export const headerModifier = z.strictObject({
  set: headers,
  add: headers,
  remove: z.array(fieldName).max(16).default([]),
});

export function headerEdit({ set, add, remove }: z.output<typeof headerModifier>): HeaderEdit {
  return { set, add, remove };
}
