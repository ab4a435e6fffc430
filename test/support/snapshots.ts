// Snapshots in few words: one listener, routes that forward, backends with endpoints.
import type {
  Backend,
  Endpoint,
  Listener,
  Route,
  Rule,
  SessionPersistence,
  Snapshot,
} from "../../src/model/index.ts";
import { DEFAULT_LOAD_BALANCER } from "../../src/model/index.ts";
import { listener, match, prefix, route } from "./routes.ts";

/** `ip:port` or `[ip]:port`. */
export function endpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { address, host, port: Number(address.slice(colon + 1)), weight: 1, health: "unknown", ...more };
}

export function backend(name: string, endpoints: readonly Endpoint[], more: Partial<Backend> = {}): Backend {
  return {
    id: `Service/default/${name}`,
    object: { group: "", kind: "Service", namespace: "default", name },
    endpoints,
    loadBalancer: DEFAULT_LOAD_BALANCER,
    panicThresholdPercent: 50,
    ...more,
  };
}

/** A rule for every path that forwards to the backends with equal weights. */
export function forwardRule(backends: readonly Backend[], more: Partial<Rule> = {}): Rule {
  return {
    name: "all",
    matches: [match(prefix("/"))],
    filters: [],
    action: {
      kind: "forward",
      backends: backends.map(({ id }) => ({ backend: id, weight: 1, filters: [] })),
    },
    hashPolicies: [],
    splitByHash: false,
    ...more,
  };
}

/** A session in a cookie, in Envoy's format. */
export function cookieSession(name: string, more: Partial<SessionPersistence> = {}): SessionPersistence {
  return {
    carrier: { kind: "cookie", name, path: "/", lifetime: "Session", attributes: [], secureOnTls: false },
    endSecond: "excluded",
    split: "session",
    onLost: { action: "reassign" },
    token: { format: "envoy" },
    scope: "HTTPRoute/default/shop",
    ...more,
  };
}

export interface SnapshotParts {
  readonly version?: number;
  readonly listeners?: readonly Listener[];
  readonly backends: readonly Backend[];
  /** Of one route for every host, on the first listener. */
  readonly rules?: readonly Rule[];
  readonly routes?: readonly Route[];
}

/** One listener on port 80 and one rule that forwards to all backends, unless said otherwise. */
export function snapshotOf(parts: SnapshotParts): Snapshot {
  const listeners = parts.listeners ?? [listener("http")];
  const rules = parts.rules ?? [forwardRule(parts.backends)];
  return {
    version: parts.version ?? 1,
    listeners,
    routes: parts.routes ?? [route("shop", listeners[0] as Listener, [], ...rules)],
    tlsRoutes: [],
    backends: parts.backends,
  };
}
