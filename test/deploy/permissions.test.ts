// Holds the controller's permissions to the least that it needs.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { clusterRules, ownRules, type PolicyRule } from "../../scripts/deploy/permissions.ts";
import { KINDS } from "../../src/dialects/registry.ts";
import { pluralOf } from "../../src/kubernetes/watch/watched-kinds.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** `group/resource: verb`, one for each thing that may be done. */
function rights(rules: readonly PolicyRule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [""] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        resourceNames.flatMap((name) =>
          verbs.map((verb) => `${group}/${resource}${name && `/${name}`}: ${verb}`),
        ),
      ),
    ),
  );
}

describe("in all namespaces", () => {
  const everywhere = rights(clusterRules());

  test("every kind that some dialect reads may be listed and watched", () => {
    for (const { group, kind } of KINDS)
      for (const verb of ["list", "watch"])
        expect(everywhere).toContain(`${group}/${pluralOf(kind)}: ${verb}`);
    expect(KINDS.length).toBeGreaterThan(15);
  });

  test("statuses, Events and what is made for Gateways are all that is written", () => {
    const written = everywhere.filter((right) => !/: (get|list|watch)$/.test(right));
    expect(written.filter((right) => !/\/status: patch$/.test(right))).toEqual([
      "events.k8s.io/events: create",
      "/services: create",
      "/services: patch",
      "/services: delete",
      "discovery.k8s.io/endpointslices: create",
      "discovery.k8s.io/endpointslices: patch",
    ]);
    expect(written).toContain("gateway.networking.k8s.io/httproutes/status: patch");
  });

  test("nothing is granted twice, and nothing by a wildcard", () => {
    expect(new Set(everywhere).size).toBe(everywhere.length);
    expect(everywhere.filter((right) => right.includes("*"))).toEqual([]);
  });
});

test("in its own namespace no Secret is read or changed by name, and its Lease alone is written", () => {
  expect(rights(ownRules())).toEqual([
    "coordination.k8s.io/leases: create",
    "coordination.k8s.io/leases/limpet-leader: get",
    "coordination.k8s.io/leases/limpet-leader: update",
    "/secrets: create",
  ]);
});

describe("plurals", () => {
  test.each([
    ["Gateway", "gateways"],
    ["GatewayClass", "gatewayclasses"],
    ["HTTPRoute", "httproutes"],
    ["BackendTLSPolicy", "backendtlspolicies"],
    ["ServiceEntry", "serviceentries"],
    ["EndpointSlice", "endpointslices"],
    ["XBackend", "xbackends"],
    ["Ingress", "ingresses"],
  ])("%s: %s", (kind, plural) => expect(pluralOf(kind)).toBe(plural));

  test("that of our own kind is the one that its definition has", () => {
    const text = readFileSync(join(ROOT, "crds/limpet.dev_affinitypolicies.yaml"), "utf8");
    const { names } = (parse(text) as { spec: { names: { kind: string; plural: string } } }).spec;
    expect(pluralOf(names.kind)).toBe(names.plural);
  });
});
