// Routes, their rules and matches: plain data that routing/ compiles.
import type { HashPolicy, LoadBalancer, SessionPersistence } from "./affinity.ts";
import type { Filter } from "./filter.ts";
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
  /** Backends are empty only where a filter of the rule redirects every request. */
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
  readonly timeouts?: RuleTimeouts;
  /** Undefined: only what is safe by itself is sent again (a reused connection that died before any byte). */
  readonly retry?: Retry;
  /** Apply where the backend's balancer hashes and has no policies of its own. */
  readonly hashPolicies: readonly HashPolicy[];
  /** Choose the backend by the same hash too (Envoy `weighted_clusters.use_hash_policy`). */
  readonly splitByHash: boolean;
}

/** Undefined or absent: no limit beyond those of the process. */
export interface RuleTimeouts {
  /** From the request's head to the last byte of the response, retries included. */
  readonly requestMs?: number;
  /** One attempt: from the request being sent to the last byte of the response. */
  readonly backendRequestMs?: number;
}

/** When a request is sent to an endpoint again (Gateway API `HTTPRouteRetry`, Envoy `RetryPolicy`). */
export interface Retry {
  /** Further attempts after the first. */
  readonly attempts: number;
  /** Statuses of a response that is thrown away for another attempt. */
  readonly statusCodes: readonly number[];
  /** Connection refused, timed out or reset before the head of a response. */
  readonly onConnectionError: boolean;
  /** Of connection errors only those where the connection could not be opened (Envoy `connect-failure`). */
  readonly onlyUnopened?: boolean;
  /** The attempt took longer than its timeout. */
  readonly onTimeout: boolean;
  /**
   * Waits before retry n: between minBackoffMs and min(maxBackoffMs, baseBackoffMs * (2^n - 1)), drawn at random, as in
   * Envoy.
   */
  readonly baseBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Undefined: 0, as in Envoy. Gateway API lets no retry begin before its `backoff` is over. */
  readonly minBackoffMs?: number;
  /** For each attempt; undefined: the rule's `backendRequestMs`. */
  readonly attemptTimeoutMs?: number;
}

/** A route on one listener, with those of its own hostnames that are the listener's in part; `*` stands for all. */
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

/** A TLSRoute: connections that are passed through by their server name. */
export interface TlsRoute {
  /** `TLSRoute/default/shop`. */
  readonly id: string;
  readonly object: ObjectRef;
  readonly attachments: readonly RouteAttachment[];
  /** Filters and sessions mean nothing here. */
  readonly backends: readonly WeightedBackend[];
}
