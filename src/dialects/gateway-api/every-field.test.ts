// Every field that any release of Gateway API from 1.1 to 1.7 has, in every version that its CRDs serve, is known here.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { readObject } from "../schema/read-object.ts";
import { GATEWAY_API } from "./index.ts";
import { SUPPORTED_FEATURES } from "./supported-features.ts";

type Fields = { readonly [name: string]: Fields } | readonly [Fields] | 0;

const GATEWAY_API_FIELDS = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../../testdata/gateway-api-fields.json"), "utf8"),
) as {
  readonly kinds: Readonly<Record<string, { readonly versions: readonly string[]; readonly fields: Fields }>>;
  readonly features: readonly string[];
};

/** All fields at once; what has none is an object, which is a value of the wrong type, or a map. */
function skeleton(fields: Fields): unknown {
  if (fields === 0) return {};
  if (Array.isArray(fields)) return [skeleton(fields[0])];
  return Object.fromEntries(Object.entries(fields).map(([name, inner]) => [name, skeleton(inner)]));
}

test.each(Object.entries(GATEWAY_API_FIELDS.kinds))("%s", (name, { versions, fields }) => {
  const kind = GATEWAY_API.kinds.find((one) => `${one.group}/${one.kind}` === name);
  expect(kind?.versions).toEqual(expect.arrayContaining([...versions]));
  if (kind === undefined) return;
  const object = { group: kind.group, kind: kind.kind, namespace: "default", name: "all" };
  const apiVersion = `${kind.group}/${kind.versions[0]}`;
  const value = { apiVersion, kind: kind.kind, metadata: { name: "all" }, spec: skeleton(fields) };
  const { findings } = readObject(kind, {
    apiVersion,
    kind: kind.kind,
    object,
    value,
    position: () => undefined,
  });
  const unknown = findings.filter(({ code }) => code === "unknown-field").map(({ path }) => path.join("."));
  expect(unknown).toEqual([]);
});

test("a field that no release has is found by the same means", () => {
  const kind = GATEWAY_API.kinds.find((one) => one.kind === "HTTPRoute");
  if (kind === undefined) throw new Error("HTTPRoute is not read");
  const object = { group: kind.group, kind: kind.kind, namespace: "default", name: "all" };
  const spec = skeleton({ rules: [{ retry: { codes: 0, nothing: 0 } }] });
  const value = { apiVersion: "x/v1", kind: kind.kind, metadata: { name: "all" }, spec };
  const { findings } = readObject(kind, {
    apiVersion: "x/v1",
    kind: kind.kind,
    object,
    value,
    position: () => undefined,
  });
  expect(findings.filter(({ code }) => code === "unknown-field").map(({ path }) => path.join("."))).toEqual([
    "spec.rules.0.retry.nothing",
  ]);
});

test("features are called as a conformance suite calls them", () => {
  expect(SUPPORTED_FEATURES.filter((name) => !GATEWAY_API_FIELDS.features.includes(name))).toEqual([]);
  expect(SUPPORTED_FEATURES).toEqual([...new Set(SUPPORTED_FEATURES)].sort());
});
