// What the access log may tell of a request.
import type { DecisionSource, SessionOutcome } from "../affinity/decision.ts";
import type { RequestHead, ResponseHead } from "../model/index.ts";

/** Everything that is known of a request when it is over. */
export interface AccessRecord {
  /** Wall clock at the request's start, milliseconds since 1970. */
  readonly startedWallMs: number;
  readonly durationMs: number;
  /** The client's IP after the trust rules. */
  readonly clientIp: string;
  /** Undefined, like the next three: what came in never became a request. */
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requestId: string;
  readonly listener: string | undefined;
  readonly route: string | undefined;
  readonly rule: string | undefined;
  readonly backend: string | undefined;
  readonly upstreamAddress: string | undefined;
  /** A decision puts its reason together when it is asked: only a log that is written pays for it. */
  readonly affinity: AffinityRecord | undefined;
  /** Code of the error that ended the exchange. */
  readonly error: string | undefined;
  /** `TLSv1.3`; undefined: the client speaks no TLS, or the gateway does not see it. */
  readonly tlsVersion?: string | undefined;
  /** What the client asked for in its ClientHello. */
  readonly serverName?: string | undefined;
  /** How often the request was sent to an endpoint. */
  readonly attempts?: number | undefined;
  /** From the start of the last attempt to the head of its answer. */
  readonly upstreamMs?: number | undefined;
  /** Of the gateway's own span; undefined: the log takes what the client says. */
  readonly traceId?: string | undefined;
  /** As it came from the client. */
  readonly requestHead?: RequestHead | undefined;
  /** As it went to the client. */
  readonly responseHead?: ResponseHead | undefined;
}

export interface AffinityRecord {
  readonly source: DecisionSource | undefined;
  readonly outcome: SessionOutcome | undefined;
  readonly reason: string;
}
