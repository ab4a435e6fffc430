// What a backendRef names: endpoints and the way one of them is chosen.
import type { LoadBalancer } from "./affinity.ts";
import type { Endpoint } from "./endpoint.ts";
import type { BackendLimits, HealthCheck, OutlierDetection, RetryBudget, SlowStart } from "./health.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { BackendTls } from "./tls.ts";

/** A host name of which every address is an endpoint. */
export interface EndpointName {
  /** Lower case, without a dot at its end. */
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

export interface Backend {
  /** `Service/default/httpbin:8000`, `XBackend/default/carts`: key in the snapshot, label in logs and metrics. */
  readonly id: string;
  readonly object: ObjectRef;
  /** Sorted by address bytes, so that all replicas build the same tables. */
  readonly endpoints: readonly Endpoint[];
  readonly loadBalancer: LoadBalancer;
  /** Below this share of serving endpoints health is ignored (Envoy: 50). */
  readonly panicThresholdPercent: number;
  /** Resolved by the process that runs: what their addresses are comes into `endpoints` before a snapshot is served. */
  readonly names?: readonly EndpointName[];
  /** Undefined: plain TCP. */
  readonly tls?: BackendTls;
  /** A PROXY header opens every connection to the endpoints. */
  readonly proxyProtocol?: "v1" | "v2";
  /** Undefined: what the process says (`--upstream-connect-timeout`). */
  readonly connectTimeoutMs?: number;
  /** A connection that waits for a request is closed after so long; undefined: what the process says. */
  readonly idleTimeoutMs?: number;
  readonly healthChecks?: readonly HealthCheck[];
  readonly outlierDetection?: OutlierDetection;
  readonly slowStart?: SlowStart;
  readonly limits?: BackendLimits;
  readonly retryBudget?: RetryBudget;
}
