// One address of a backend, with what discovery says about its state.

/**
 * What discovery says of an endpoint, in Envoy's words (`core.v3.HealthStatus`):
 * `unknown` and `healthy` serve; `degraded` serves when too few others do; `draining` is terminating but serving;
 * `unhealthy` and `timeout` do not serve.
 */
export type EndpointHealth = "unknown" | "healthy" | "degraded" | "draining" | "unhealthy" | "timeout";

export interface Endpoint {
  /** Canonical text, `10.0.0.1:8080` or `[2001:db8::1]:8080`: the key of hash tables, of tokens and of the log. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** A whole number of at least 1. */
  readonly weight: number;
  readonly health: EndpointHealth;
  /** Name of the pod or host, for hashing by hostname and for `identity: hostname`. */
  readonly hostname?: string;
  /** EndpointSlice `targetRef.uid`: tells a pod from another that got its address later. */
  readonly uid?: string;
  readonly zone?: string;
  /** When it was first known to drain, wall clock in milliseconds; set while `health` is `draining`. */
  readonly drainingSinceMs?: number;
  /** When it began to serve, wall clock in milliseconds; set while its backend's slow start lasts. */
  readonly slowStartSinceMs?: number;
  /**
   * When discovery brought it, wall clock in milliseconds; set while other replicas of the gateway may not know it yet: it
   * keeps sessions that name it, and gets no new ones.
   */
  readonly arrivingSinceMs?: number;
}
