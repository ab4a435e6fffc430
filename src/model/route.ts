// Routes, their rules and matches: plain data that routing/ compiles.
import type { HashPolicy, LoadBalancer, SessionPersistence } from "./affinity.ts";
import type { ObjectRef } from "./object-ref.ts";

export type PathMatch =
  | { readonly type: "exact"; readonly value: string }
  /** By segments: `/shop` matches `/shop` and `/shop/cart`, not `/shopping`. */
  | { readonly type: "prefix"; readonly value: string }
  /** The whole path must match, as in Envoy. */
  | { readonly type: "regex"; readonly value: string };

/** Header names are lower case here; query parameter names are as written. A regex must match the whole value. */
export interface ValueMatch {
  readonly type: "exact" | "regex";
  readonly name: string;
  readonly value: string;
}

/** All conditions must hold. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
  readonly method?: string;
}

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Applied in the order set, add, remove; names compare without case. */
export interface HeaderEdit {
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
  readonly remove: readonly string[];
}

export type Filter =
  | { readonly kind: "requestHeaders"; readonly edit: HeaderEdit }
  | { readonly kind: "responseHeaders"; readonly edit: HeaderEdit };

/** One backendRef of a rule. */
export interface WeightedBackend {
  /** Id of a backend of the snapshot; undefined: the reference is invalid and its share of the weight answers 500. */
  readonly backend?: string;
  readonly weight: number;
  readonly filters: readonly Filter[];
  /** Overrides the backend's own balancer, for policies that attach to routes. */
  readonly loadBalancer?: LoadBalancer;
  /** Persistence declared on the backend (XBackend); wins over the rule's. */
  readonly session?: SessionPersistence;
}

export type RuleAction =
  | { readonly kind: "forward"; readonly backends: readonly WeightedBackend[] }
  /** The gateway answers by itself: a rule in error, or one without backends. */
  | { readonly kind: "respond"; readonly status: number; readonly reason: string };

export interface Rule {
  /** The rule's `name`, else its index in the route: for logs and labels, never for tokens. */
  readonly name: string;
  /** One of them must hold; never empty. */
  readonly matches: readonly RouteMatch[];
  readonly filters: readonly Filter[];
  readonly action: RuleAction;
  readonly session?: SessionPersistence;
  /** Apply where the backend's balancer hashes and has no policies of its own. */
  readonly hashPolicies: readonly HashPolicy[];
  /** Choose the backend by the same hash too (Envoy `weighted_clusters.use_hash_policy`). */
  readonly splitByHash: boolean;
}

/** A route on one listener, with the intersection of both hostnames; `*` stands for all. */
export interface RouteAttachment {
  readonly listener: string;
  readonly hostnames: readonly string[];
}

export interface Route {
  /** `HTTPRoute/default/shop`. */
  readonly id: string;
  readonly object: ObjectRef;
  readonly attachments: readonly RouteAttachment[];
  readonly rules: readonly Rule[];
}
