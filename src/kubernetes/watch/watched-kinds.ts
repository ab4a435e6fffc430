// Which kinds are watched: all that the dialects know; and where those that Kubernetes itself has are found in its API.
import { KINDS } from "../../dialects/registry.ts";
import type { ApiResource } from "./cluster-view.ts";

export interface WatchedKind {
  readonly group: string;
  readonly kind: string;
  /** Those that can be read, newest first. */
  readonly versions: readonly string[];
}

/** How a kind is listed, beside where it is. */
export interface BuiltInKind extends ApiResource {
  /** Leaves out on the server's side what no gateway reads. */
  readonly fieldSelector?: string;
  /** Where objects may be so large that 500 are too much for one answer. */
  readonly pageSize?: number;
}

export const WATCHED_KINDS: readonly WatchedKind[] = KINDS;

const CORE = { group: "", version: "v1", namespaced: true, hasStatus: false } as const;

export const SERVICES: BuiltInKind = { ...CORE, kind: "Service", plural: "services", hasStatus: true };

/** Types of Secrets in which nothing for a gateway can be, and much for others: what is not asked for leaks nowhere. */
const OTHERS_SECRETS = [
  "bootstrap.kubernetes.io/token",
  "helm.sh/release.v1",
  "kubernetes.io/basic-auth",
  "kubernetes.io/dockercfg",
  "kubernetes.io/dockerconfigjson",
  "kubernetes.io/service-account-token",
  "kubernetes.io/ssh-auth",
];

export const SECRETS: BuiltInKind = {
  ...CORE,
  kind: "Secret",
  plural: "secrets",
  fieldSelector: OTHERS_SECRETS.map((type) => `type!=${type}`).join(),
  pageSize: 100,
};

export const ENDPOINT_SLICES: BuiltInKind = {
  ...CORE,
  group: "discovery.k8s.io",
  kind: "EndpointSlice",
  plural: "endpointslices",
};

/** All others come with a CustomResourceDefinition. */
export const BUILT_IN_KINDS: readonly BuiltInKind[] = [
  { ...CORE, kind: "Namespace", plural: "namespaces", namespaced: false, hasStatus: true },
  SERVICES,
  { ...CORE, kind: "Pod", plural: "pods", hasStatus: true },
  SECRETS,
  {
    ...CORE,
    kind: "ConfigMap",
    plural: "configmaps",
    fieldSelector: "metadata.name!=kube-root-ca.crt",
    pageSize: 100,
  },
  ENDPOINT_SLICES,
];

/** As generators of CRDs form it, and as every CRD of the dialects has it. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (/(?:s|x|z|ch|sh)$/.test(word)) return `${word}es`;
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}

/** `httproutes.gateway.networking.k8s.io`: the name of a CRD, and of a resource in RBAC's messages. */
export function resourceName({ group, kind }: Pick<WatchedKind, "group" | "kind">): string {
  return group === "" ? pluralOf(kind) : `${pluralOf(kind)}.${group}`;
}
