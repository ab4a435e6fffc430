// RequestHeaderModifier and ResponseHeaderModifier: the fields, and the edit that they describe.
import { z } from "zod";
import type { HeaderEdit } from "../../../model/index.ts";
import {
  checked,
  equivalentNames,
  fieldName,
  repeatedNames,
  repeatedValues,
  text,
} from "../../schema/fields.ts";

/**
 * The standard CRD takes any text, the experimental one no control characters; a line break would end the field and
 * begin another. Blanks in a row, which the experimental one refuses, harm nobody.
 */
const headerValue = text(
  /^[!-~](?:[\t -~]*[!-~])?$/,
  "printable ASCII without blanks at the ends",
  "max-age=60, public",
  4096,
);

const headers = checked(
  z.array(z.strictObject({ name: fieldName, value: headerValue })).max(16),
  (entries) => [...repeatedNames(entries, "headers"), ...equivalentNames(entries)],
).default([]);

export const headerModifier = z.strictObject({
  set: headers,
  add: headers,
  remove: checked(z.array(fieldName).max(16), repeatedValues).default([]),
});

export function headerEdit({ set, add, remove }: z.output<typeof headerModifier>): HeaderEdit {
  return { set: firstOfEachName(set), add: firstOfEachName(add), remove };
}

/** Of entries with equivalent names only the first is considered, as the specification has it. */
function firstOfEachName<Entry extends { readonly name: string }>(entries: readonly Entry[]): Entry[] {
  const names = entries.map(({ name }) => name.toLowerCase());
  return entries.filter((_, index) => names.indexOf(names[index] as string) === index);
}
