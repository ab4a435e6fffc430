// What an operator may set on the data plane: every timeout and limit, with a default that is safe on the open internet.

export interface DataplaneOptions {
  /** From the first byte of a request, or from the connection's start, to the end of its head. */
  readonly requestHeadTimeoutMs: number;
  /** No byte of a request body for so long. */
  readonly requestBodyTimeoutMs: number;
  /** A client's keep-alive connection without a request. */
  readonly idleTimeoutMs: number;
  /** The client takes no byte of a response for so long. */
  readonly writeTimeoutMs: number;
  readonly upstreamConnectTimeoutMs: number;
  /** No byte from the endpoint for so long, once the request is sent. */
  readonly upstreamResponseTimeoutMs: number;
  /** A connection to an endpoint that waits for its next request: below the 5 s after which common servers hang up. */
  readonly upstreamIdleTimeoutMs: number;
  /** Waiting connections kept per endpoint; more are closed when nobody needed them for half a second. */
  readonly upstreamMaxIdle: number;
  /** A tunnel (WebSocket) in which neither side says anything. */
  readonly tunnelTimeoutMs: number;
  /** Bytes of a head, request line included: 431 or 414 beyond. */
  readonly maxHeadSize: number;
  /** Header lines of a head: 431 beyond. */
  readonly maxHeaders: number;
  /** Bytes of a request body: 413 beyond. 0: no limit, which costs no memory since bodies are streamed. */
  readonly maxBodySize: number;
  /** Client connections: one more gets 503, unless another one waits idly and yields its place. */
  readonly maxConnections: number;
  /** Requests in flight, tunnels included: 503 beyond. */
  readonly maxRequests: number;
  /** Requests in flight to one endpoint, each on a connection of its own: 503 beyond, so that one that hangs takes not all. */
  readonly maxRequestsPerEndpoint: number;
  /** Bytes in memory that one side sent and the other has not taken: beyond, new requests get 503 and stuck clients go. */
  readonly maxBufferedSize: number;
  /** Bytes of a request body that are kept so that it can be sent again; a larger one is never sent twice. */
  readonly retryBufferSize: number;
  /**
   * Bytes a second, below which a client sends its body or takes its response too slowly; counted over the timeout for
   * either. 0: any byte in time will do.
   */
  readonly minRate: number;
  /** Networks in CIDR notation whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Networks in CIDR notation whose connections begin with a PROXY header: without one they are refused. */
  readonly proxyProtocolFrom: readonly string[];
  /** So many proxies stand in front of the gateway, whatever their addresses; the TCP peer is the first. */
  readonly trustedHops: number;
  /** So many processes share the limits that a configuration sets on a backend. */
  readonly workers: number;
}

export const DEFAULT_DATAPLANE_OPTIONS: DataplaneOptions = {
  requestHeadTimeoutMs: 10_000,
  requestBodyTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
  writeTimeoutMs: 60_000,
  upstreamConnectTimeoutMs: 5_000,
  upstreamResponseTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 4_000,
  upstreamMaxIdle: 256,
  tunnelTimeoutMs: 3_600_000,
  maxHeadSize: 32 * 1024,
  maxHeaders: 100,
  maxBodySize: 0,
  maxConnections: 10_000,
  maxRequests: 8_000,
  maxRequestsPerEndpoint: 4_000,
  maxBufferedSize: 256 * 1024 * 1024,
  retryBufferSize: 64 * 1024,
  minRate: 16,
  trustedProxies: [],
  proxyProtocolFrom: [],
  trustedHops: 0,
  workers: 1,
};

/** What one of so many workers may use, where the options say what all of them may use together. */
export function shareOfWorker(options: DataplaneOptions, workers: number): DataplaneOptions {
  const share = (total: number) => Math.ceil(total / workers);
  return {
    ...options,
    workers,
    maxConnections: share(options.maxConnections),
    maxRequests: share(options.maxRequests),
    maxRequestsPerEndpoint: share(options.maxRequestsPerEndpoint),
    maxBufferedSize: share(options.maxBufferedSize),
  };
}
