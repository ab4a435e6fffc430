// What a backend of the configuration becomes with what was found out since: addresses of names, verdicts, drains, arrivals.
import type { Verdict } from "../dataplane/health/health-watch.ts";
import { orderedEndpoints } from "../dialects/passes/compile-backends.ts";
import { type Backend, type Endpoint, formatSocketAddress, parseIp } from "../model/index.ts";

/** The endpoints of a backend once its names are resolved; the very same object where it has none. */
export function resolveNames(backend: Backend, addressesOf: (host: string) => readonly string[]): Backend {
  const { names } = backend;
  if (names === undefined || names.length === 0) return backend;
  const resolved = names.flatMap(({ host, port, weight }) =>
    addressesOf(host).flatMap((text): Endpoint[] => {
      const bytes = parseIp(text);
      if (bytes === undefined) return [];
      const address = formatSocketAddress(bytes, port);
      return [{ address, host: text, port, weight, health: "unknown", hostname: host }];
    }),
  );
  return { ...backend, endpoints: orderedEndpoints([...backend.endpoints, ...resolved]) };
}

/** What is known of an endpoint beside what the configuration says. */
export interface Knowledge {
  readonly verdict: Verdict | undefined;
  /** Wall clock; undefined: no slow start. */
  readonly slowStartSinceMs: number | undefined;
  /** Wall clock; undefined: all replicas know it, or no session leads to it. */
  readonly arrivingSinceMs: number | undefined;
  /** Wall clock; undefined: it stays, or has nothing to finish. */
  readonly drainingSinceMs: number | undefined;
}

/**
 * An endpoint against which anything speaks is unhealthy, whatever discovery says of it. One that is leaving anyway
 * (draining) and fails has left: counted as ill it would make a scale-down look like an emergency (panic).
 */
export function judge(backend: Backend, know: (endpoint: Endpoint) => Knowledge): Backend {
  const endpoints = backend.endpoints.flatMap((endpoint): Endpoint[] => {
    const { verdict, slowStartSinceMs, arrivingSinceMs, drainingSinceMs } = know(endpoint);
    if (drainingSinceMs !== undefined) {
      return verdict === undefined || verdict === "pending" ? [draining(endpoint, drainingSinceMs)] : [];
    }
    if (verdict !== undefined) return [{ ...endpoint, health: "unhealthy" }];
    if (slowStartSinceMs === undefined && arrivingSinceMs === undefined) return [endpoint];
    return [
      {
        ...endpoint,
        ...(slowStartSinceMs === undefined ? {} : { slowStartSinceMs }),
        ...(arrivingSinceMs === undefined ? {} : { arrivingSinceMs }),
      },
    ];
  });
  const isSame =
    endpoints.length === backend.endpoints.length &&
    endpoints.every((endpoint, index) => endpoint === backend.endpoints[index]);
  return isSame ? backend : { ...backend, endpoints };
}

/** As discovery has it. */
export function mayServe({ health }: Endpoint): boolean {
  return health !== "unhealthy" && health !== "timeout";
}

function draining(endpoint: Endpoint, sinceMs: number): Endpoint {
  const isKnown = endpoint.health === "draining" && endpoint.drainingSinceMs === sinceMs;
  return isKnown ? endpoint : { ...endpoint, health: "draining", drainingSinceMs: sinceMs };
}

/** False: its endpoints are served as the configuration has them. */
export function isWatched(backend: Backend): boolean {
  return (
    backend.names !== undefined ||
    backend.healthChecks !== undefined ||
    backend.outlierDetection !== undefined ||
    backend.slowStart !== undefined
  );
}
