// One JSON line per request: which stage chose what, and how it ended.

/** Everything that the log tells of a request; undefined fields are written as null. */
export interface AccessRecord {
  /** Wall clock at the request's start, milliseconds since 1970. */
  readonly startedWallMs: number;
  readonly durationMs: number;
  /** The client's IP after the trust rules. */
  readonly clientIp: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly protocol: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requestId: string;
  readonly listener: string | undefined;
  readonly route: string | undefined;
  readonly rule: string | undefined;
  readonly backend: string | undefined;
  readonly upstreamAddress: string | undefined;
  readonly source: string | undefined;
  readonly outcome: string | undefined;
  readonly reason: string | undefined;
  /** Code of the error that ended the exchange. */
  readonly error: string | undefined;
}

export interface AccessLog {
  /** Never blocks and never throws. */
  write(record: AccessRecord): void;
}
