// Which CRDs each tutorial of `examples/` was written for: the release that its vendor named, and the vendor's own kinds.
import { resolve } from "node:path";
import type { ClusterOptions } from "./cluster.ts";

/** Of the project itself: AffinityPolicy. */
export const LIMPET_CRD = resolve(import.meta.dirname, "../../crds/limpet.dev_affinitypolicies.yaml");

type Crds = Required<Pick<ClusterOptions, "gatewayApi" | "channel" | "vendors" | "crds">>;

/** By folder of `examples/`. */
export const TUTORIALS = {
  "affinity-policy": crds("1.7.0", { crds: [LIMPET_CRD] }),
  "envoy-gateway-session-persistence": crds("1.2.1", { vendors: ["envoy-gateway"] }),
  "gloo-stateful-session": crds("1.2.1", { vendors: ["gloo"] }),
  "istio-consistent-hash": crds("1.3.0", { vendors: ["istio"] }),
  "kgateway-consistent-hashing": crds("1.3.0", { vendors: ["kgateway"] }),
  "kgateway-session-persistence": crds("1.3.0", { vendors: ["kgateway"] }),
} as const satisfies Readonly<Record<string, Crds>>;

export type Tutorial = keyof typeof TUTORIALS;

/** What `startCluster` needs for a tutorial, as it was written. */
export function crdsFor(tutorial: Tutorial): Crds {
  return TUTORIALS[tutorial];
}

function crds(gatewayApi: string, rest: Partial<Crds>): Crds {
  return { gatewayApi, channel: "experimental", vendors: [], crds: [], ...rest };
}
