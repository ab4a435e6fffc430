// Holds the CustomResourceDefinition to the rules of structural schemas, and to what the gateway itself takes.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { crdObject } from "../../scripts/affinity-policy/crd.ts";
import { AFFINITY_POLICY } from "../../src/dialects/limpet/affinity-policy.ts";
import { readResources } from "../../src/dialects/yaml/read-resources.ts";
import { objections, type Schema, schemasIn } from "./structural-schema.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FILE = join(ROOT, "crds/limpet.dev_affinitypolicies.yaml");

const crd = parse(readFileSync(FILE, "utf8")) as ReturnType<typeof crdObject>;
const root = crd.spec.versions[0]?.schema.openAPIV3Schema as unknown as Schema;

test("the file is what the schema makes", () => {
  expect(crd).toEqual(JSON.parse(JSON.stringify(crdObject())));
});

test("names go together as an API server wants them", () => {
  expect(crd.metadata.name).toBe(`${crd.spec.names.plural}.${crd.spec.group}`);
  expect(crd.spec.versions.filter(({ storage }) => storage)).toHaveLength(1);
  expect(crd.spec.versions.every(({ subresources }) => subresources.status !== undefined)).toBe(true);
});

describe("structural", () => {
  const schemas = schemasIn(root);

  test("every schema has a type, and a description but for those of Kubernetes itself", () => {
    const untyped = schemas.filter(([, { type }]) => type === undefined).map(([path]) => path);
    const silent = schemas
      .filter(([path, { description }]) => path.startsWith(".spec") && !path.endsWith("[]") && !description)
      .map(([path]) => path);
    expect(untyped).toEqual([]);
    expect(silent).toEqual([]);
    expect(schemas.length).toBeGreaterThan(60);
  });

  test("no schema says what structural schemas may not", () => {
    const known = new Set([
      "type",
      "description",
      "default",
      "enum",
      "format",
      "pattern",
      "minLength",
      "maxLength",
      "minimum",
      "maximum",
      "minItems",
      "maxItems",
      "items",
      "properties",
      "required",
      "x-kubernetes-list-type",
      "x-kubernetes-list-map-keys",
      "x-kubernetes-validations",
    ]);
    const unknown = schemas.flatMap(([path, schema]) =>
      Object.keys(schema)
        .filter((key) => !known.has(key))
        .map((key) => `${path} ${key}`),
    );
    expect(unknown).toEqual([]);
  });

  test("required fields are there, defaults are valid and have no unknown fields, patterns are RE2's", () => {
    for (const [path, schema] of schemas) {
      for (const name of schema.required ?? [])
        expect(Object.keys(schema.properties ?? {}), path).toContain(name);
      if (schema.default !== undefined) expect(objections(schema, schema.default), path).toEqual([]);
      expect(schema.pattern ?? "", path).not.toMatch(/\(\?[=!<]|\\[1-9]/);
    }
  });

  test("CEL sees texts and lists with bounds, so that an API server can say what a rule costs", () => {
    const measured = schemas.filter(([path]) => /name$|group$|kind$/i.test(path) && path.startsWith(".spec"));
    expect(measured.filter(([, { maxLength }]) => maxLength === undefined).map(([path]) => path)).toEqual([]);
    const lists = schemas.filter(([, { type }]) => type === "array");
    expect(lists.filter(([, { maxItems }]) => maxItems === undefined).map(([path]) => path)).toEqual([]);
    expect(
      schemas.filter(([, schema]) => schema["x-kubernetes-validations"] !== undefined).length,
    ).toBeGreaterThan(8);
  });
});

describe("what the gateway takes the API server takes too", () => {
  const folders = [
    ...readdirSync(join(ROOT, "testdata/translate"))
      .filter((name) => !name.includes("break-the-rules"))
      .map((name) => `testdata/translate/${name}`),
    ...readdirSync(join(ROOT, "examples"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `examples/${name}`),
  ];
  const policies = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".yaml") && name !== "out.yaml")
      .flatMap((name) => readResources(name, readFileSync(join(ROOT, folder, name), "utf8")).resources)
      .filter(({ kind }) => kind === AFFINITY_POLICY.kind),
  );

  test("every AffinityPolicy of the examples and golden cases", () => {
    expect(policies.length).toBeGreaterThan(15);
    for (const { object, value } of policies) expect(objections(root, value), object.name).toEqual([]);
  });

  test.each([
    ["an unknown carrier", { session: { cookies: {} } }, ".spec.session.cookies is unknown"],
    [
      "a status of success",
      { session: { onLost: { action: "reject", status: 200 } } },
      ".spec.session.onLost.status",
    ],
    ["a name that is none", { session: { header: { name: "a b" } } }, ".spec.session.header.name"],
    ["a duration without a unit", { session: { idleTimeout: "20" } }, ".spec.session.idleTimeout"],
    [
      "a long prefix",
      { hash: { keys: [{ sourceIP: { v4Prefix: 33 } }] } },
      ".spec.hash.keys[].sourceIP.v4Prefix",
    ],
    ["no keys", { hash: { keys: [] } }, ".spec.hash.keys"],
  ])("and refuses %s", (_what, part, place) => {
    const targetRefs = [{ group: "", kind: "Service", name: "carts" }];
    const found = objections(root, { metadata: {}, spec: { targetRefs, ...part } });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(place);
  });
});
