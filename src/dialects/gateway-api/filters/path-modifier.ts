// The `path` of redirects and rewrites: what the request's path becomes.
import { z } from "zod";
import type { PathEdit } from "../../../model/index.ts";
import { checked, type FieldProblem } from "../../schema/fields.ts";
import { fieldsFitType } from "../../schema/union.ts";
import { PATH_CHARACTERS } from "../route-match.ts";

const FIELD_OF_TYPE = {
  ReplaceFullPath: "replaceFullPath",
  ReplacePrefixMatch: "replacePrefixMatch",
} as const;

/**
 * The CRD takes any text. It goes out in a request's first line or in `location`, so it must be a path, whole as it
 * stands; the query of the request is kept, and none can be added.
 */
const replacement = checked(z.string().max(1024), (value): FieldProblem | undefined => {
  const shown = JSON.stringify(value);
  const expected = "a path without query and fragment";
  if (value === "") return undefined;
  if (!value.startsWith("/")) {
    return { message: `${shown} does not begin with /`, expected, hint: `write /${value}` };
  }
  if (PATH_CHARACTERS.test(value)) return undefined;
  return {
    message: `${shown} has characters that no path has`,
    expected,
    hint: "percent-encode what is no letter, digit or /._~!$&'()*+,;=:@-",
  };
});

export const pathModifier = checked(
  z.strictObject({
    type: z.enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
    replaceFullPath: replacement.optional(),
    replacePrefixMatch: replacement.optional(),
  }),
  (value) => fieldsFitType(value, FIELD_OF_TYPE, "a path"),
);

export type PathModifierValue = z.output<typeof pathModifier>;

/** `prefix`: that of the rule's only match; without one no prefix can be replaced, and the route is in error. */
export function pathEdit(value: PathModifierValue, prefix: string | undefined): PathEdit | undefined {
  if (value.type === "ReplaceFullPath") {
    return { kind: "fullPath", value: value.replaceFullPath === "" ? "/" : (value.replaceFullPath ?? "/") };
  }
  if (prefix === undefined || value.replacePrefixMatch === undefined) return undefined;
  return { kind: "prefix", prefix, value: value.replacePrefixMatch };
}
