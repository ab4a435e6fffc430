// backendRefs of a rule: a reference with a weight and filters of its own.
import { z } from "zod";
import { checked } from "../schema/fields.ts";
import { filtersSchema } from "./filters.ts";
import { objectReferenceFields, portFitsKind } from "./object-reference.ts";

export const backendRefSchema = checked(
  z.strictObject({
    ...objectReferenceFields,
    weight: z.int().min(0).max(1_000_000).default(1),
    filters: filtersSchema,
  }),
  portFitsKind,
);

export type BackendRefValue = z.output<typeof backendRefSchema>;
