// Reads what stands in an object of the API server, of which no field is sure to be there or to have its type.

export type JsonObject = Readonly<Record<string, unknown>>;

const NOTHING: JsonObject = {};

/** The field as an object; `{}` where it is none. */
export function objectAt(value: unknown, field: string): JsonObject {
  const found = isObject(value) ? value[field] : undefined;
  return isObject(found) ? found : NOTHING;
}

/** The objects of the list that the field is; `[]` where it is none. */
export function listAt(value: unknown, field: string): readonly JsonObject[] {
  const found = isObject(value) ? value[field] : undefined;
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function textAt(value: unknown, field: string): string | undefined {
  const found = isObject(value) ? value[field] : undefined;
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: unknown, field: string): number | undefined {
  const found = isObject(value) ? value[field] : undefined;
  return typeof found === "number" ? found : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
