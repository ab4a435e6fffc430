// How the health of endpoints is found out and what protects them: checks, outlier detection, slow start, limits.

/** Statuses from `from` up to `to`, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface CheckHeader {
  readonly name: string;
  readonly value: string;
}

export type CheckKind =
  | {
      readonly kind: "http";
      readonly method: string;
      readonly path: string;
      /** Host to send; undefined: the endpoint's host name, else its address. */
      readonly host?: string;
      readonly headers: readonly CheckHeader[];
      /** Never empty. */
      readonly expected: readonly StatusRange[];
      /** Count as failures, but not as an immediate one (Envoy `retriable_statuses`). */
      readonly retriable: readonly StatusRange[];
    }
  /** Connects; sends `send` and waits until `receive` came, where they are set. Both base64. */
  | { readonly kind: "tcp"; readonly send?: string; readonly receive?: string };

/** An active check of every endpoint (Envoy `core.v3.HealthCheck`). Times in milliseconds. */
export interface HealthCheck {
  readonly check: CheckKind;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row until an endpoint counts as unhealthy; an HTTP status that is not expected counts at once. */
  readonly unhealthyThreshold: number;
  /** Successes in a row until it counts as healthy again; the very first one is enough after start. */
  readonly healthyThreshold: number;
  /** Another port than the one that serves. */
  readonly port?: number;
  /** At most so much is added to the first interval, so that checks spread. */
  readonly initialJitterMs?: number;
  /** While unhealthy; undefined: `intervalMs`. */
  readonly unhealthyIntervalMs?: number;
}

/** Passive outlier detection (Envoy `cluster.v3.OutlierDetection`); a threshold of 0, or none, is off. */
export interface OutlierDetection {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayErrors: number;
  /** Connection failures and timeouts; counted only where `splitLocalErrors`. */
  readonly consecutiveLocalErrors: number;
  /** Failures of the connection count apart from statuses, else they count as 5xx. */
  readonly splitLocalErrors: boolean;
  readonly intervalMs: number;
  /** The first ejection; each further one in a row is longer by as much. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** At most so much of the backend is ejected at a time: with 10, nothing of fewer than ten endpoints. */
  readonly maxEjectionPercent: number;
  /** One endpoint may be ejected whatever `maxEjectionPercent` says; as in Envoy not unless it is said. */
  readonly alwaysEjectOne?: boolean;
  readonly successRate?: {
    readonly minimumHosts: number;
    readonly requestVolume: number;
    /** In thousandths: 1900 ejects below mean - 1.9 * standard deviation. */
    readonly stdevFactor: number;
  };
  readonly failurePercentage?: {
    readonly thresholdPercent: number;
    readonly minimumHosts: number;
    readonly requestVolume: number;
  };
}

/** An endpoint that just became healthy gets its share little by little (Envoy `SlowStartConfig`); plain balancing only. */
export interface SlowStart {
  readonly windowMs: number;
  /** 1: linear. */
  readonly aggression: number;
  /** Of its weight, from the first moment on. */
  readonly minWeightPercent: number;
}

/** Circuit breakers of a backend, over all workers (Envoy `CircuitBreakers.Thresholds`); undefined: not limited. */
export interface BackendLimits {
  readonly maxConnections?: number;
  /** Requests that wait for a connection. */
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  /** Retries at a time. */
  readonly maxRetries?: number;
  /** A connection is closed after so many. */
  readonly maxRequestsPerConnection?: number;
}

/** Retries that may be under way, as a share of requests (Gateway API `retryConstraint`, Envoy `RetryBudget`). */
export interface RetryBudget {
  readonly percent: number;
  /** Over which requests and retries are counted. */
  readonly intervalMs: number;
  /** So many retries are allowed however few the requests: `count` in each `intervalMs`. */
  readonly minimum: { readonly count: number; readonly intervalMs: number };
}
