// CRDs of the vendors' kinds that our dialects read: their own where a Go module brings them, else ones that take anything.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { ENVOY_GATEWAY } from "../../../src/dialects/envoy-gateway/index.ts";
import { GLOO } from "../../../src/dialects/gloo/index.ts";
import { ISTIO } from "../../../src/dialects/istio/index.ts";
import { KGATEWAY } from "../../../src/dialects/kgateway/index.ts";
import type { Kind } from "../../../src/dialects/schema/kind.ts";
import { cached } from "./cache.ts";
import { type GoModule, moduleFolder } from "./go-modules.ts";

export type Vendor = "envoy-gateway" | "gloo" | "istio" | "kgateway";

interface Source {
  readonly kinds: readonly Kind[];
  /** Without one, the module proxy does not have the vendor's CRDs. */
  readonly module?: GoModule;
  /** File or folder of the module. */
  readonly path?: string;
}

const SOURCES: Readonly<Record<Vendor, Source>> = {
  "envoy-gateway": {
    kinds: ENVOY_GATEWAY.kinds,
    module: { path: "github.com/envoyproxy/gateway", version: "v1.9.1" },
    path: "charts/gateway-helm/charts/crds/crds/generated",
  },
  istio: {
    kinds: ISTIO.kinds,
    module: { path: "istio.io/api", version: "v1.31.1" },
    path: "kubernetes/customresourcedefinitions.gen.yaml",
  },
  gloo: { kinds: GLOO.kinds },
  kgateway: { kinds: KGATEWAY.kinds },
};

export const VENDORS = Object.keys(SOURCES) as Vendor[];

interface Crd {
  readonly kind: string;
  readonly spec: { readonly group: string; readonly names: { readonly kind: string } };
}

/** Folder of YAML files, one for each kind that our dialect reads. */
export function vendorCrds(vendor: Vendor): Promise<string> {
  const { kinds, module, path = "" } = SOURCES[vendor];
  return cached(`crds-${vendor}-${module?.version ?? "ours"}`, (folder) => {
    const theirs = module === undefined ? [] : readCrds(join(moduleFolder(module), path));
    for (const kind of kinds) {
      const crd = module === undefined ? takesAnything(kind) : theirs.find((found) => defines(found, kind));
      if (crd === undefined) throw new Error(`${module?.path} has no CRD of ${kind.kind}`);
      writeFileSync(join(folder, `${kind.group}_${plural(kind)}.yaml`), stringify(crd));
    }
  });
}

function defines(crd: Crd, kind: Kind): boolean {
  return crd.spec.group === kind.group && crd.spec.names.kind === kind.kind;
}

function readCrds(path: string): Crd[] {
  const files = path.endsWith(".yaml") ? [path] : readdirSync(path).map((name) => join(path, name));
  return files
    .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")))
    .map((document) => (document as { toJS(): unknown }).toJS() as Crd | null)
    .filter((crd): crd is Crd => crd?.kind === "CustomResourceDefinition");
}

/** The API server's own half of the kind: names, versions, status; no field is judged. */
function takesAnything(kind: Kind) {
  const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural(kind)}.${kind.group}` },
    spec: {
      group: kind.group,
      scope: kind.namespaced ? "Namespaced" : "Cluster",
      names: { kind: kind.kind, plural: plural(kind), singular: kind.kind.toLowerCase() },
      versions: kind.versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: { type: "object", properties: { spec: anything, status: anything } },
        },
      })),
    },
  };
}

function plural({ kind }: Kind): string {
  return kind.toLowerCase().replace(/y$/, "ie").concat("s");
}
