// The flags of every timeout and limit, with what answers past them: docs/limits.md is made of this table.
import { DEFAULT_DATAPLANE_OPTIONS as DATAPLANE } from "../dataplane/options.ts";
import { count, type FlagTable, SIZE, TIMEOUT } from "./flag.ts";
import { formatDuration, formatSize } from "./flag-values.ts";

const TIMEOUTS = "Timeouts";
const LIMITS = "Limits";

export const LIMIT_FLAGS = {
  "request-head-timeout": {
    group: TIMEOUTS,
    help: "From the first byte of a request, or the start of the connection, to the end of its head.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.requestHeadTimeoutMs),
    past: { errors: ["request-timeout"], connection: "closed" },
  },
  "request-body-timeout": {
    group: TIMEOUTS,
    help: "No byte of a request body for so long.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.requestBodyTimeoutMs),
    past: { errors: ["request-timeout"], connection: "closed" },
  },
  "idle-timeout": {
    group: TIMEOUTS,
    help: "A client's connection without a request.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.idleTimeoutMs),
    past: { errors: [], connection: "closed" },
  },
  "write-timeout": {
    group: TIMEOUTS,
    help: "The client takes no byte of a response for so long.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.writeTimeoutMs),
    past: { errors: ["write-timeout"], connection: "closed" },
  },
  "upstream-connect-timeout": {
    group: TIMEOUTS,
    help: "Connecting to an endpoint.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.upstreamConnectTimeoutMs),
    past: { errors: ["connect-timeout"], connection: "kept" },
  },
  "upstream-response-timeout": {
    group: TIMEOUTS,
    help: "No byte from the endpoint for so long, once the request is sent.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.upstreamResponseTimeoutMs),
    past: { errors: ["upstream-timeout"], connection: "kept" },
  },
  "upstream-idle-timeout": {
    group: TIMEOUTS,
    help: "A connection to an endpoint without a request; many servers hang up after 5s.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.upstreamIdleTimeoutMs),
    past: { errors: [], connection: "the endpoint's is closed" },
  },
  "tunnel-timeout": {
    group: TIMEOUTS,
    help: "A WebSocket in which neither side says anything.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.tunnelTimeoutMs),
    past: { errors: ["tunnel-timeout"], connection: "closed" },
  },
  "max-head-size": {
    group: LIMITS,
    help: "Bytes of a request's head.",
    value: SIZE,
    default: formatSize(DATAPLANE.maxHeadSize),
    past: { errors: ["head-too-large", "target-too-long"], connection: "closed" },
  },
  "max-headers": {
    group: LIMITS,
    help: "Header lines of a request.",
    value: count(1, 10_000),
    default: String(DATAPLANE.maxHeaders),
    past: { errors: ["head-too-large"], connection: "closed" },
  },
  "max-body-size": {
    group: LIMITS,
    help: "Bytes of a request body; 0: no limit, bodies are streamed.",
    value: SIZE,
    default: formatSize(DATAPLANE.maxBodySize),
    past: { errors: ["body-too-large"], connection: "closed" },
  },
  "max-connections": {
    group: LIMITS,
    help: "Client connections, the total over all workers.",
    value: count(1, 10_000_000),
    default: String(DATAPLANE.maxConnections),
    past: { errors: ["too-many-connections"], connection: "closed" },
  },
  "max-requests": {
    group: LIMITS,
    help: "Requests in flight and open WebSockets, the total over all workers.",
    value: count(1, 10_000_000),
    default: String(DATAPLANE.maxRequests),
    past: { errors: ["overloaded"], connection: "kept" },
  },
  "max-requests-per-endpoint": {
    group: LIMITS,
    help: "The same for one endpoint, each on a connection of its own; the total over all workers.",
    value: count(1, 10_000_000),
    default: String(DATAPLANE.maxRequestsPerEndpoint),
    past: { errors: ["endpoint-busy"], connection: "kept" },
  },
  "max-buffered-size": {
    group: LIMITS,
    help: "Bytes in memory that one side sent and the other has not taken, the total over all workers.",
    value: SIZE,
    default: formatSize(DATAPLANE.maxBufferedSize),
    past: { errors: ["overloaded"], connection: "kept" },
  },
  "retry-buffer-size": {
    group: LIMITS,
    help: "Bytes of a request body that are kept for another try; larger ones are never sent twice. 0: none is.",
    value: SIZE,
    default: formatSize(DATAPLANE.retryBufferSize),
    past: { errors: [], connection: "kept" },
  },
  "min-rate": {
    group: LIMITS,
    help: "Bytes a second of a body that is sent, or of a response that waits to be taken, averaged over the timeout; 0: any.",
    value: SIZE,
    default: formatSize(DATAPLANE.minRate),
    past: { errors: ["request-timeout", "write-timeout"], connection: "closed" },
  },
  "upstream-max-idle": {
    group: LIMITS,
    help: "Connections kept to one endpoint without a request, for each worker.",
    value: count(0, 100_000),
    default: String(DATAPLANE.upstreamMaxIdle),
    past: { errors: [], connection: "the endpoint's is closed" },
  },
} as const satisfies FlagTable;
