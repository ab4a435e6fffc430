// The tutorials' resources on real API servers: taken by the release that each was written for, and not by one of another shape.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { startCluster } from "../cluster/cluster.ts";
import { crdsFor, TUTORIALS, type Tutorial } from "../cluster/tutorials.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../examples");

/** Backends are a person's own Deployments there; and a tutorial may tell of other releases at its end. */
const LEFT_OUT = ["backend.yaml", "gateway-api-1.7.yaml"];

const OLD_SHAPE = join(EXAMPLES, "kgateway-session-persistence/session-cookie.yaml");
const NEW_SHAPE = join(EXAMPLES, "kgateway-session-persistence/gateway-api-1.7.yaml");

/** A session of a shape that the release does not have. */
const REFUSED: Readonly<Record<string, string>> = {
  "1.2.1": NEW_SHAPE,
  "1.3.0": NEW_SHAPE,
  "1.7.0": OLD_SHAPE,
};

/** One of the fields that the release does not have; which of several, the API server chooses anew each time. */
const UNKNOWN_FIELD = /\.sessionPersistence\.\w+: field not declared in schema/;

const byRelease = Map.groupBy(Object.keys(TUTORIALS) as Tutorial[], (name) => crdsFor(name).gatewayApi);

function filesOf(tutorial: Tutorial): string[] {
  return readdirSync(join(EXAMPLES, tutorial))
    .filter((name) => name.endsWith(".yaml") && !LEFT_OUT.includes(name))
    .map((name) => join(EXAMPLES, tutorial, name));
}

function namespacesIn(file: string): string[] {
  return parseAllDocuments(readFileSync(file, "utf8"))
    .map((document) =>
      (document as { getIn(path: readonly string[]): unknown }).getIn(["metadata", "namespace"]),
    )
    .filter((namespace): namespace is string => typeof namespace === "string");
}

for (const [gatewayApi, tutorials] of byRelease) {
  test(`Gateway API ${gatewayApi} takes the resources of ${tutorials.join(", ")}, and no session of another shape`, async () => {
    const vendors = tutorials.flatMap((name) => crdsFor(name).vendors);
    const crds = tutorials.flatMap((name) => crdsFor(name).crds);
    const cluster = await startCluster({ gatewayApi, channel: "experimental", vendors, crds });
    try {
      const apply = (file: string) =>
        cluster.kubectl(["apply", "--server-side", "--dry-run=server", "-f", file]);
      const files = tutorials.flatMap(filesOf);
      const refused = REFUSED[gatewayApi] ?? "";
      expect(files.length).toBeGreaterThan(tutorials.length);
      const namespaces = new Set([...files, refused].flatMap(namespacesIn));
      namespaces.delete("default");
      for (const namespace of namespaces) await cluster.kubectl(["create", "namespace", namespace]);
      for (const file of files) expect(await apply(file), file).toContain("serverside-applied");
      await expect(apply(refused)).rejects.toThrow(UNKNOWN_FIELD);
    } finally {
      await cluster.stop();
    }
  });
}
