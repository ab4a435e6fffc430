// Every metric that Limpet exposes, in one table: docs/metrics.md is generated from it, and nothing else may be exposed.
import type { HistogramCounts } from "./histogram.ts";

export interface MetricKind {
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, ascending, in the unit of its name; the last bucket, without bound, is not named. */
  readonly buckets?: readonly number[];
}

/** Seconds: from an answer out of a cache to one that a person has given up waiting for. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export const METRICS = {
  limpet_requests_total: {
    type: "counter",
    labels: ["listener", "route", "backend", "code_class"],
    help: "Requests answered, by listener, route, backend and class of the status (2xx, 4xx, ...); empty where there was none.",
  },
  limpet_request_duration_seconds: {
    type: "histogram",
    labels: ["route", "backend"],
    help: "From the head of a request to the last byte of its response, tunnels left out.",
    buckets: DURATION_BUCKETS,
  },
  limpet_listener_requests_total: {
    type: "counter",
    labels: ["listener", "protocol"],
    help: "Requests answered, by listener and protocol: HTTP/1.0, HTTP/1.1, or upgraded (WebSockets).",
  },
  limpet_request_body_bytes_total: {
    type: "counter",
    labels: ["route", "backend"],
    help: "Bytes of request bodies, and of what clients said in tunnels, counted at the end of the exchange.",
  },
  limpet_response_body_bytes_total: {
    type: "counter",
    labels: ["route", "backend"],
    help: "Bytes of response bodies, and of what clients heard in tunnels, counted at the end of the exchange.",
  },
  limpet_upstream_response_seconds: {
    type: "histogram",
    labels: ["backend"],
    help: "From the start of an attempt, waiting for a connection included, to the head of the endpoint's response.",
    buckets: DURATION_BUCKETS,
  },
  limpet_upstream_responses_total: {
    type: "counter",
    labels: ["backend", "code_class"],
    help: "Responses of a backend's endpoints, each attempt by itself, by class of the status.",
  },
  limpet_session_outcomes_total: {
    type: "counter",
    labels: ["route", "outcome"],
    help: "Requests of rules with session persistence: new, kept, expired, invalid, moved or rejected.",
  },
  limpet_session_tokens_opened_total: {
    type: "counter",
    labels: ["key"],
    help: "Sealed tokens opened, by the id of their key: one that opens none any more can leave the key file.",
  },
  limpet_session_keys: {
    type: "gauge",
    labels: ["key", "use"],
    help: "1 for each key that all workers have, by its id: the one that seals tokens, and others that only open them.",
  },
  limpet_session_key_reloads_total: {
    type: "counter",
    labels: ["result"],
    help: "Key files read again: published, unchanged, or kept (refused, the last good keys stay).",
  },
  limpet_hash_key_missing_total: {
    type: "counter",
    labels: ["route"],
    help: "Requests without a hash key although the backend hashes: they were balanced plainly.",
  },
  limpet_requests_rejected_total: {
    type: "counter",
    labels: ["code"],
    help: "Input that never became a request, by the code of the error.",
  },
  limpet_errors_total: {
    type: "counter",
    labels: ["code"],
    help: "Exchanges that ended in an error, by its code (see docs/errors.md).",
  },
  limpet_client_connections: { type: "gauge", labels: [], help: "Client connections that are open." },
  limpet_client_connections_total: {
    type: "counter",
    labels: [],
    help: "Client connections that were accepted.",
  },
  limpet_client_connections_refused_total: {
    type: "counter",
    labels: [],
    help: "Client connections turned away because of --max-connections.",
  },
  limpet_client_connections_yielded_total: {
    type: "counter",
    labels: [],
    help: "Idle client connections closed to make room for others at --max-connections.",
  },
  limpet_tls_handshakes_total: {
    type: "counter",
    labels: ["listener", "version", "resumed"],
    help: "TLS handshakes that were completed; resumed: a session was taken up again.",
  },
  limpet_tls_handshake_failures_total: {
    type: "counter",
    labels: ["reason"],
    help: "Clients that did not get as far as a request: not-tls, proxy-header, unknown-name, timeout, client-closed, version, cipher, protocol, client-certificate, configuration or other.",
  },
  limpet_passthrough_connections_total: {
    type: "counter",
    labels: ["listener", "route"],
    help: "TLS connections that were passed on by their server name, as they came or decrypted, counted when they end.",
  },
  limpet_requests_in_flight: {
    type: "gauge",
    labels: [],
    help: "Requests that are not answered in full yet.",
  },
  limpet_tunnels: {
    type: "gauge",
    labels: [],
    help: "Connections that changed their protocol (WebSockets) and are open.",
  },
  limpet_buffered_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes in memory that one side sent and the other has not taken: at --max-buffered-size new requests get 503.",
  },
  limpet_limit: {
    type: "gauge",
    labels: ["limit"],
    help: "What a flag allows all workers together: max-connections, max-requests, max-requests-per-endpoint, max-buffered-size.",
  },
  limpet_upstream_connects_total: {
    type: "counter",
    labels: ["backend"],
    help: "Connections opened to endpoints of a backend.",
  },
  limpet_upstream_connect_failures_total: {
    type: "counter",
    labels: ["backend", "code"],
    help: "Connections to endpoints of a backend that could not be opened, by the code of the error.",
  },
  limpet_upstream_connections: {
    type: "gauge",
    labels: ["backend", "state"],
    help: "Connections to endpoints of a backend: busy (WebSockets too) or idle.",
  },
  limpet_upstream_pending_requests: {
    type: "gauge",
    labels: ["backend"],
    help: "Requests that wait for a connection of a backend that may have no more.",
  },
  limpet_upstream_limit_hits_total: {
    type: "counter",
    labels: ["backend", "limit"],
    help: "Requests that a limit of the backend made wait (connections) or refused (pending, requests).",
  },
  limpet_upstream_reuses_total: {
    type: "counter",
    labels: ["backend"],
    help: "Exchanges on a connection that had served before.",
  },
  limpet_upstream_retries_total: {
    type: "counter",
    labels: ["backend", "reason"],
    help: "Requests sent again after an attempt at the backend was in vain, by reason: a reused connection died, or one to an endpoint that drains, nobody could be reached, the connection was lost, it took too long, or the status that came.",
  },
  limpet_mirrored_requests_total: {
    type: "counter",
    labels: ["backend", "result"],
    help: "Copies of requests for a mirror: answered, failed, or dropped because it was too slow or too busy.",
  },
  limpet_access_log_dropped_lines_total: {
    type: "counter",
    labels: [],
    help: "Lines of the access log dropped because its reader was too slow.",
  },
  limpet_endpoints: {
    type: "gauge",
    labels: ["backend", "health"],
    help: "Endpoints of a backend by health, as the snapshot that was published last has it.",
  },
  limpet_draining_requests: {
    type: "gauge",
    labels: ["backend", "endpoint"],
    help: "Requests and tunnels in flight on endpoints that drain.",
  },
  limpet_draining_session_requests: {
    type: "gauge",
    labels: ["backend", "endpoint"],
    help: "Requests of sessions that endpoints that drain got lately: one counts half after 20 seconds, a quarter after 40.",
  },
  limpet_health_checks_total: {
    type: "counter",
    labels: ["backend", "result"],
    help: "Active checks of endpoints that passed or failed.",
  },
  limpet_ejections_total: {
    type: "counter",
    labels: ["backend", "reason"],
    help: "Endpoints ejected by outlier detection, by the rule that they broke.",
  },
  limpet_ejections_prevented_total: {
    type: "counter",
    labels: ["backend"],
    help: "Endpoints that outlier detection left in service because enough others were ejected already.",
  },
  limpet_name_resolutions_total: {
    type: "counter",
    labels: ["result"],
    help: "Resolutions of host names of backends: resolved, or failed (the last addresses stay).",
  },
  limpet_names_failing: {
    type: "gauge",
    labels: [],
    help: "Host names of backends whose last resolution failed.",
  },
  limpet_build_info: {
    type: "gauge",
    labels: ["version", "node"],
    help: "Always 1; the labels tell the version of Limpet and of Node.js.",
  },
  limpet_start_time_seconds: {
    type: "gauge",
    labels: [],
    help: "When the process started, in unix seconds.",
  },
  limpet_snapshot_version: {
    type: "gauge",
    labels: [],
    help: "Version of the snapshot that the primary published last.",
  },
  limpet_snapshot_loaded_time_seconds: {
    type: "gauge",
    labels: [],
    help: "When that snapshot was loaded, in unix seconds.",
  },
  limpet_snapshot_age_seconds: {
    type: "gauge",
    labels: [],
    help: "How long ago that was.",
  },
  limpet_snapshot_objects: {
    type: "gauge",
    labels: ["kind"],
    help: "What the snapshot holds: listeners, routes, backends, endpoints.",
  },
  limpet_worker_snapshot_version: {
    type: "gauge",
    labels: ["worker"],
    help: "Version of the snapshot that a worker serves.",
  },
  limpet_findings: {
    type: "gauge",
    labels: ["severity"],
    help: "Findings about the configuration that was read last.",
  },
  limpet_reloads_total: {
    type: "counter",
    labels: ["result"],
    help: "Configurations read: published, unchanged, or kept (refused, the last good one stays).",
  },
  limpet_kubernetes_api_server_up: {
    type: "gauge",
    labels: [],
    help: "1: the API server answers. 0: it does not, and what it said last is served.",
  },
  limpet_kubernetes_objects: {
    type: "gauge",
    labels: ["kind"],
    help: "Objects of the cluster that are watched.",
  },
  limpet_kubernetes_lists_total: {
    type: "counter",
    labels: ["kind"],
    help: "Times that a kind was listed as a whole: once at the start, and wherever a watch could not be taken up again.",
  },
  limpet_kubernetes_watches_total: {
    type: "counter",
    labels: ["kind"],
    help: "Watches begun: each ends by itself after five to ten minutes, and is begun anew after 90 s of silence.",
  },
  limpet_kubernetes_watch_failures_total: {
    type: "counter",
    labels: ["kind", "code"],
    help: "Lists and watches that failed, by the HTTP status of the API server, or none where there was no answer.",
  },
  limpet_kubernetes_watch_silent_seconds: {
    type: "gauge",
    labels: ["kind"],
    help: "Since the API server last said something about a kind, or took up a watch of it: 90 at most while all is well.",
  },
  limpet_kubernetes_leader: {
    type: "gauge",
    labels: [],
    help: "1: this replica leads, and writes statuses and Services for all.",
  },
  limpet_kubernetes_leader_transitions_total: {
    type: "counter",
    labels: [],
    help: "Changes of the leader, as the Lease counts them: the same number at every replica.",
  },
  limpet_kubernetes_status_writes_total: {
    type: "counter",
    labels: ["kind", "result"],
    help: "Statuses and Events written by this replica: written, conflict (somebody else was first: tried again), refused (not tried again) or failed (tried again).",
  },
  limpet_kubernetes_status_writes_waiting: {
    type: "gauge",
    labels: [],
    help: "Statuses and Events that are still to be written by this replica.",
  },
  limpet_workers: { type: "gauge", labels: [], help: "Workers that serve." },
  limpet_worker_up: {
    type: "gauge",
    labels: ["worker"],
    help: "1: the worker serves and has answered in time. 0: it is dead, on its way up, or stuck, and counts with its last answer.",
  },
  limpet_worker_restarts_total: {
    type: "counter",
    labels: [],
    help: "Workers that died and were replaced.",
  },
  limpet_process_cpu_seconds_total: {
    type: "counter",
    labels: ["process"],
    help: "CPU time of the primary and of each worker (worker-1, ...), its predecessors of that number included.",
  },
  limpet_process_resident_memory_bytes: {
    type: "gauge",
    labels: ["process"],
    help: "Resident memory of a process.",
  },
  limpet_process_heap_used_bytes: {
    type: "gauge",
    labels: ["process"],
    help: "JavaScript heap of a process in use.",
  },
  limpet_process_event_loop_busy_seconds_total: {
    type: "counter",
    labels: ["process"],
    help: "Time in which the event loop of a process was at work: a rate of 1 is a process that can do no more.",
  },
  limpet_process_event_loop_delay_seconds: {
    type: "histogram",
    labels: ["process"],
    help: "How late the event loop of a process gets to a timer, asked five times a second.",
    buckets: DURATION_BUCKETS,
  },
} as const satisfies Record<string, MetricKind>;

export type MetricName = keyof typeof METRICS;

/** One number at the moment of asking. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram: how many values it has seen. */
  readonly value: number;
  readonly histogram?: HistogramCounts;
}
