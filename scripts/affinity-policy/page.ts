// The generated parts of docs/affinity-policy.md: the order of precedence, and every field with its default.
import { STANDINGS } from "../../src/dialects/policies/precedence.ts";
import { markdownTable } from "../markdown-table.ts";
import { type JsonSchema, specSchema } from "./json-schema.ts";

const PARTS: Readonly<Record<string, () => string>> = { precedence, fields };

/** The page with its generated parts anew; what stands around their marks is written by hand. */
export function affinityPolicyPage(current: string): string {
  return Object.entries(PARTS).reduce((page, [name, make]) => {
    const [begin, end] = [`<!-- npm run generate: ${name} -->`, `<!-- end of ${name} -->`];
    const from = page.indexOf(begin);
    const to = page.indexOf(end);
    if (from < 0 || to < from) throw new Error(`docs/affinity-policy.md has no marks for ${name}`);
    return `${page.slice(0, from + begin.length)}\n\n${make()}\n\n${page.slice(to)}`;
  }, current);
}

function precedence(): string {
  const rows = STANDINGS.map((standing, index) => {
    const aboutSession = !standing.includes("balancer");
    const aboutBalancing = !standing.includes("session");
    return [String(index + 1), standing, aboutSession ? "yes" : "", aboutBalancing ? "yes" : ""];
  });
  return markdownTable(["asked", "who", "about the session", "about balancing"], rows);
}

function fields(): string {
  return markdownTable(["field", "value", "default", "meaning"], rowsOf("spec", specSchema(), []));
}

function rowsOf(path: string, schema: JsonSchema, required: readonly string[]): string[][] {
  const name = path.slice(path.lastIndexOf(".") + 1);
  const isRequired = required.includes(name);
  const own =
    path === "spec"
      ? []
      : [
          [
            `\`${path.slice("spec.".length)}\``,
            takes(schema),
            defaultOf(schema, isRequired),
            schema.description ?? "",
          ],
        ];
  const inner = schema.items?.type === "object" ? schema.items : schema;
  const prefix = schema.items === undefined ? path : `${path}[]`;
  const parts = Object.entries(inner.properties ?? {}).flatMap(([key, part]) =>
    rowsOf(`${prefix}.${key}`, part, inner.required ?? []),
  );
  return [...own, ...parts];
}

function takes({
  type,
  enum: values,
  form,
  format,
  minimum,
  maximum,
  items,
  minItems,
  maxItems,
}: JsonSchema) {
  if (values !== undefined) return values.map((one) => `\`${one}\``).join(" or ");
  if (form !== undefined) return form;
  if (format === "date-time") return "a time of RFC 3339";
  switch (type) {
    case "array":
      return `list of ${minItems} to ${maxItems} ${items?.type === "object" ? "objects" : "entries"}`;
    case "integer":
      return `whole number from ${minimum} to ${maximum}`;
    case "number":
      return `number from ${minimum} to ${maximum}`;
    case "boolean":
      return "`true` or `false`";
    case "string":
      return "text";
    default:
      return type;
  }
}

function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return "required";
  if (schema.default === undefined || schema.type === "object") return "";
  return `\`${schema.default}\``;
}
