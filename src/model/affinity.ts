// What a configuration can say about affinity: hash policies, load balancers, session persistence.

/** An attribute of a cookie that is written as `name=value`, or as `name` where there is no value. */
export interface CookieAttribute {
  readonly name: string;
  readonly value?: string;
}

/**
 * One source of the request hash (Envoy `route.v3.RouteAction.HashPolicy`). Policies combine by rotate and xor;
 * `terminal` stops once there is a hash.
 */
export type HashPolicy = HashKey & { readonly terminal: boolean };

export type HashKey =
  | { readonly kind: "header"; readonly name: string }
  | {
      readonly kind: "cookie";
      readonly name: string;
      /** Undefined: a passive cookie, never generated. 0: generated as a session cookie. Whole seconds. */
      readonly ttlSec?: number;
      /** Undefined: no Path attribute. */
      readonly path?: string;
      readonly attributes: readonly CookieAttribute[];
    }
  | {
      readonly kind: "sourceIp";
      /** Leading bits of the address that count, for IPv4 (and IPv4 in IPv6) and for IPv6; undefined: all. */
      readonly v4PrefixBits?: number;
      readonly v6PrefixBits?: number;
    }
  | { readonly kind: "queryParameter"; readonly name: string };

export type HashFunction = "xxHash" | "murmurHash2";

interface HashingLoadBalancer {
  /** Hash the endpoint's hostname in place of its address. */
  readonly useHostname: boolean;
  /** Bounded load in percent of the mean, at least 100 (Envoy `hash_balance_factor`); undefined: off. */
  readonly balanceFactorPercent?: number;
  /** Policies that belong to the backend; they win over the rule's and nothing falls through. */
  readonly hashPolicies?: readonly HashPolicy[];
}

/** How an endpoint is chosen where no session names one. */
export type LoadBalancer =
  | { readonly kind: "leastRequest"; readonly choiceCount: number }
  | { readonly kind: "roundRobin" }
  | { readonly kind: "random" }
  | ({
      readonly kind: "ringHash";
      readonly minimumSize: number;
      readonly maximumSize: number;
      readonly hashFunction: HashFunction;
    } & HashingLoadBalancer)
  | ({ readonly kind: "maglev"; readonly tableSize: number } & HashingLoadBalancer);

/** Least request with two choices: what applies where nothing is configured. */
export const DEFAULT_LOAD_BALANCER: LoadBalancer = { kind: "leastRequest", choiceCount: 2 };

/** Where the token travels. */
export type SessionCarrier =
  | {
      readonly kind: "cookie";
      readonly name: string;
      /** Cookie `Path` attribute; undefined: none is written. */
      readonly path?: string;
      /** Envoy's path gate: outside this path the session is neither read nor set; undefined: everywhere. */
      readonly onlyUnderPath?: string;
      /** `Permanent`: Max-Age is what is left of the absolute timeout. `Session`: no Max-Age. */
      readonly lifetime: "Session" | "Permanent";
      /** Written after Max-Age and Path, in this order; HttpOnly always comes last. */
      readonly attributes: readonly CookieAttribute[];
      /** Add `Secure` where the listener speaks TLS. */
      readonly secureOnTls: boolean;
    }
  | { readonly kind: "header"; readonly name: string }
  /**
   * The application's own session: what it sets in this header or cookie reaches the client wrapped together with the
   * endpoint, and comes back to it unwrapped. A session begins when the application begins one.
   */
  | { readonly kind: "wrappedHeader"; readonly name: string }
  | { readonly kind: "wrappedCookie"; readonly name: string };

/** What tells an endpoint from a stranger that got its address later. */
export type EndpointIdentity = "uid" | "hostname" | "address";

export type TokenRules =
  /** Envoy 1.40's bytes: readable and not signed. */
  | { readonly format: "envoy" }
  | {
      /** Encrypted and authenticated with the keys of the process. */
      readonly format: "sealed";
      /** Endpoints that lack it are identified by their address. */
      readonly identity: EndpointIdentity;
      /** Tokens in Envoy's format are followed before this second; undefined: never. */
      readonly acceptEnvoyUntilSec?: number;
      /** Tokens of sessions that began before this second are expired; undefined: none is. */
      readonly notBeforeSec?: number;
    };

/** Which object says so, and which ones say something else in vain, as `/snapshot` tells it. */
export interface SessionOrigin {
  /** `AffinityPolicy/default/carts spec.session`. */
  readonly declaredBy: string;
  readonly overrides: readonly string[];
}

export interface SessionPersistence {
  readonly carrier: SessionCarrier;
  /** Whole seconds from the session's beginning; undefined: none. */
  readonly absoluteTimeoutSec?: number;
  /** Whole seconds since the session was last seen; undefined: none. */
  readonly idleTimeoutSec?: number;
  /**
   * Whether a token still counts in the second that ends its absolute timeout. `included` is Envoy's rule, by which a
   * session can outlive its timeout by up to a second, and a token in Envoy's format begins anew at another endpoint;
   * `excluded` never lets it.
   */
  readonly endSecond: "included" | "excluded";
  /** `session`: the session keeps its backend whatever the weights; `weight`: weights choose first. */
  readonly split: "session" | "weight";
  /** What happens when the endpoint is gone or does not serve. */
  readonly onLost:
    | { readonly action: "reassign" }
    | {
        readonly action: "reject";
        readonly status: number;
        /** A token that does not open, or is over, is answered alike: by MCP, whose clients then begin anew. */
        readonly withoutSession?: boolean;
      };
  readonly token: TokenRules;
  /** Sessions leave an endpoint that has been draining for so long, whole seconds; undefined: when it is gone. */
  readonly drainTimeoutSec?: number;
  /** Responses that carry a new token tell shared caches to keep away. */
  readonly noCache?: boolean;
  readonly origin?: SessionOrigin;
  /** Kind/namespace/name, rule, session name: what a sealed token is bound to. Never an index. */
  readonly scope: string;
}
