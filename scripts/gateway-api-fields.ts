// Writes testdata/gateway-api-fields.json: every field of Gateway API's kinds, and every name of a feature, in given releases of it.
//   node scripts/gateway-api-fields.ts MODULE...   (folders of the Go module sigs.k8s.io/gateway-api, one for each release)
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseAllDocuments } from "yaml";

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

interface Crd {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema: { readonly openAPIV3Schema: JsonSchema };
    }[];
  };
}

/** Fields by name, items of a list in brackets; 0 stands for what has no fields. */
type Fields = { [name: string]: Fields } | [Fields] | 0;

interface Kind {
  readonly versions: Set<string>;
  fields: Fields;
}

/** Kinds of routes and of meshes that are not served. */
const LEFT_OUT = ["GRPCRoute", "TCPRoute", "UDPRoute", "XMesh", "XTelemetryPolicy", "BackendLBPolicy"];

function fieldsOf({ properties, items }: JsonSchema): Fields {
  if (items !== undefined) return [fieldsOf(items)];
  if (properties === undefined) return 0;
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fieldsOf(schema)]));
}

function merged(a: Fields, b: Fields): Fields {
  if (a === 0 || b === 0) return a === 0 ? b : a;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) ? [merged(a[0], b[0])] : a;
  }
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(names.map((name) => [name, merged(a[name] ?? 0, b[name] ?? 0)]));
}

const kinds = new Map<string, Kind>();
const features = new Set<string>();

function addCrds(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    for (const document of parseAllDocuments(readFileSync(join(folder, file), "utf8"))) {
      const crd = document.toJS() as Crd | null;
      if (crd?.kind !== "CustomResourceDefinition" || LEFT_OUT.includes(crd.spec.names.kind)) continue;
      const name = `${crd.spec.group}/${crd.spec.names.kind}`;
      const kind = kinds.get(name) ?? { versions: new Set(), fields: 0 };
      kinds.set(name, kind);
      for (const { name, served, schema } of crd.spec.versions) {
        if (!served) continue;
        kind.versions.add(name);
        kind.fields = merged(kind.fields, fieldsOf(schema.openAPIV3Schema.properties?.["spec"] ?? {}));
      }
    }
  }
}

function addFeatures(folder: string): void {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".go"))) {
    const source = readFileSync(join(folder, file), "utf8");
    for (const [, name] of source.matchAll(/^\s*Support\w+\s+(?:FeatureName )?= "(\w+)"$/gm)) {
      if (name !== undefined) features.add(name);
    }
  }
}

for (const module of process.argv.slice(2)) {
  addCrds(join(module, "config/crd/experimental"));
  addFeatures(join(module, "pkg/features"));
}
const lines = [...kinds]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, { versions, fields }]) => {
    return `    ${JSON.stringify(name)}: ${JSON.stringify({ versions: [...versions].sort(), fields })}`;
  });
const text = `{\n  "kinds": {\n${lines.join(",\n")}\n  },\n  "features": ${JSON.stringify([...features].sort())}\n}\n`;
writeFileSync(resolve(import.meta.dirname, "../testdata/gateway-api-fields.json"), text);
