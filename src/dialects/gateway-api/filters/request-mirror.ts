// RequestMirror: a share of the requests goes to another backend too, whose answers nobody sees.
import { z } from "zod";
import type { Filter } from "../../../model/index.ts";
import { checked, rule } from "../../schema/fields.ts";
import { atMostOneOf } from "../../schema/one-of.ts";
import { objectReference } from "../object-reference.ts";

const INT32_MAX = 2_147_483_647;

const fraction = checked(
  z.strictObject({
    numerator: z.int().min(0).max(INT32_MAX),
    denominator: z.int().min(1).max(INT32_MAX).default(100),
  }),
  ({ numerator, denominator }) => {
    if (numerator <= denominator) return undefined;
    return rule({
      path: ["numerator"],
      message: `${numerator} of ${denominator} requests are more than there are`,
      expected: `at most ${denominator}`,
      hint: `write numerator: ${denominator} to mirror every request`,
    });
  },
);

export const requestMirror = checked(
  z.strictObject({
    backendRef: objectReference,
    percent: z.int().min(0).max(100).optional(),
    fraction: fraction.optional(),
  }),
  (value) => atMostOneOf(value, ["percent", "fraction"]),
);

/** `backend`: id of what the reference leads to. */
export function mirror(value: z.output<typeof requestMirror>, backend: string): Filter {
  const { percent = 100, fraction: share = { numerator: percent, denominator: 100 } } = value;
  return { kind: "mirror", backend, ...share };
}
