// The JSON Schema of an AffinityPolicy's spec, with what the schema's own checks know beside: forms and lengths of texts.
import { z } from "zod";
import { AFFINITY_POLICY_SPEC } from "../../src/dialects/limpet/affinity-policy.ts";
import { TEXT_FORMS } from "../../src/dialects/schema/fields.ts";

/** The part of JSON Schema that the spec needs. */
export interface JsonSchema {
  readonly type: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
  /** What findings call the form of a text; for people, and none of JSON Schema's. */
  readonly form?: string;
}

/** A time is told by its format; no pattern could say more. */
const DATE_TIME = "date-time";

export function specSchema(): JsonSchema {
  const schema = z.toJSONSchema(AFFINITY_POLICY_SPEC, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const form = TEXT_FORMS.get(zodSchema as unknown as z.ZodType);
      if (form !== undefined) {
        jsonSchema.pattern = form.pattern.source;
        jsonSchema["form"] = form.expected;
        if (Number.isFinite(form.maxLength)) jsonSchema.maxLength = form.maxLength;
      }
      if (jsonSchema.format === DATE_TIME) delete jsonSchema.pattern;
      // An API server prunes unknown fields where no word is said about them.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      delete jsonSchema.$schema;
    },
  });
  const { $schema: _, ...spec } = schema;
  return spec as unknown as JsonSchema;
}
