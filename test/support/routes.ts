// Listeners and routes in few words, for tests that are about matching.
import type { Listener, PathMatch, Route, RouteMatch, Rule } from "../../src/model/index.ts";

export function listener(name: string, hostname?: string): Listener {
  return {
    id: `Gateway/default/edge/${name}`,
    gateway: { group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default", name: "edge" },
    name,
    addresses: [],
    port: 80,
    protocol: "HTTP",
    ...(hostname === undefined ? {} : { hostname }),
  };
}

export function exact(value: string): PathMatch {
  return { type: "exact", value };
}

export function prefix(value: string): PathMatch {
  return { type: "prefix", value };
}

export function regex(value: string): PathMatch {
  return { type: "regex", value };
}

/** A match on a path, everything unless said otherwise. */
export function match(path: PathMatch = prefix("/"), more: Partial<RouteMatch> = {}): RouteMatch {
  return { path, headers: [], query: [], ...more };
}

export function rule(name: string, ...matches: readonly RouteMatch[]): Rule {
  return {
    name,
    matches: matches.length === 0 ? [match()] : matches,
    filters: [],
    action: { kind: "respond", status: 500, reason: "test" },
    hashPolicies: [],
    splitByHash: false,
  };
}

/** A route on one listener; no hostnames: all of them. */
export function route(
  name: string,
  on: Listener,
  hostnames: readonly string[],
  ...rules: readonly Rule[]
): Route {
  return {
    id: `HTTPRoute/default/${name}`,
    object: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default", name },
    attachments: [{ listener: on.id, hostnames: hostnames.length === 0 ? ["*"] : hostnames }],
    rules: rules.length === 0 ? [rule(name)] : rules,
  };
}
