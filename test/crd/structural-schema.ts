// Structural schemas of Kubernetes, as far as ours need them: all that stand in one, and what one has against a value.

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly unknown[];
}

/** With their paths: `.spec.hash.keys[].header`. */
export function schemasIn(schema: Schema, path = ""): [path: string, schema: Schema][] {
  const items = schema.items === undefined ? [] : schemasIn(schema.items, `${path}[]`);
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    schemasIn(property, `${path}.${name}`),
  );
  return [[path, schema], ...items, ...properties];
}

/** Cross-field rules aside. An object without properties is taken as it is, as metadata are. */
export function objections(schema: Schema, value: unknown, path = ""): string[] {
  if (typeOf(value, schema.type) !== schema.type) return [`${path} is no ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path} is none of ${schema.enum}`];
  if (typeof value === "string") return textObjections(schema, value, path);
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity } = schema;
    return value < minimum || value > maximum ? [`${path} is out of range`] : [];
  }
  if (Array.isArray(value)) {
    const { minItems = 0, maxItems = Infinity, items } = schema;
    if (value.length < minItems || value.length > maxItems) return [`${path} has ${value.length} items`];
    return value.flatMap((item) => objections(items as Schema, item, `${path}[]`));
  }
  if (schema.properties === undefined || typeof value !== "object") return [];
  const { properties, required = [] } = schema;
  const entries = Object.entries(value as object);
  const missing = required.filter((name) => !entries.some(([key]) => key === name));
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...entries.flatMap(([key, item]) => {
      const property = properties[key];
      return property === undefined
        ? [`${path}.${key} is unknown`]
        : objections(property, item, `${path}.${key}`);
    }),
  ];
}

function textObjections(
  { pattern, minLength = 0, maxLength = Infinity, format }: Schema,
  text: string,
  path: string,
) {
  const problems: string[] = [];
  if (pattern !== undefined && !new RegExp(pattern).test(text))
    problems.push(`${path} does not match ${pattern}`);
  if (text.length < minLength || text.length > maxLength) problems.push(`${path} has a wrong length`);
  if (format === "date-time" && Number.isNaN(Date.parse(text))) problems.push(`${path} is no time`);
  return problems;
}

/** A whole number is a number too. */
function typeOf(value: unknown, wanted: string | undefined): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value !== "number") return typeof value;
  return wanted === "integer" && Number.isInteger(value) ? "integer" : "number";
}
