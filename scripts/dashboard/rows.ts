// What the Grafana dashboard shows, row by row; a metric that is new gets its panel here.
import { increaseBy, type Panel, quantileBy, type Row, rate, rateBy, shareBy, sum, sumBy } from "./panel.ts";

const TRAFFIC: readonly Panel[] = [
  {
    title: "Requests by route",
    unit: "reqps",
    queries: [rateBy("route", "limpet_requests_total")],
    about: "The series without a name is what found no route.",
  },
  { title: "Requests by backend", unit: "reqps", queries: [rateBy("backend", "limpet_requests_total")] },
  {
    title: "Requests by class of status",
    unit: "reqps",
    queries: [rateBy("code_class", "limpet_requests_total")],
  },
  {
    title: "Requests by listener and protocol",
    unit: "reqps",
    queries: [rateBy("listener, protocol", "limpet_listener_requests_total")],
  },
  {
    title: "In flight",
    unit: "short",
    queries: [
      sumBy("", "limpet_requests_in_flight", "requests and tunnels"),
      sumBy("", "limpet_tunnels", "tunnels"),
      sumBy("", "limpet_client_connections", "client connections"),
    ],
    about: "Tunnels (WebSockets) are requests in flight for as long as they are open.",
  },
  {
    title: "Client connections",
    unit: "cps",
    queries: [
      rateBy("", "limpet_client_connections_total", "accepted"),
      rateBy("", "limpet_client_connections_yielded_total", "idle, closed for newcomers"),
      rateBy("", "limpet_client_connections_refused_total", "turned away"),
    ],
  },
  {
    title: "Bodies from clients by route",
    unit: "Bps",
    queries: [rateBy("route", "limpet_request_body_bytes_total")],
  },
  {
    title: "Bodies to clients by route",
    unit: "Bps",
    queries: [rateBy("route", "limpet_response_body_bytes_total")],
  },
  {
    title: "Mirrored requests",
    unit: "reqps",
    queries: [rateBy("backend, result", "limpet_mirrored_requests_total")],
  },
];

const ERRORS: readonly Panel[] = [
  {
    title: "Share of 5xx by route",
    unit: "percentunit",
    queries: [shareBy("route", 'limpet_requests_total{code_class="5xx"}', "limpet_requests_total")],
    about: "Answers of endpoints and of the gateway. The panel beside this one has the gateway's own.",
  },
  {
    title: "Errors by code",
    unit: "reqps",
    queries: [rateBy("code", "limpet_errors_total")],
    about: "The access log has the same code in the field `error` of each request.",
  },
  {
    title: "Input that was rejected",
    unit: "reqps",
    queries: [rateBy("code", "limpet_requests_rejected_total")],
  },
  {
    title: "Answers of endpoints by class of status",
    unit: "reqps",
    queries: [rateBy("backend, code_class", "limpet_upstream_responses_total")],
  },
  {
    title: "Connections to endpoints that failed",
    unit: "cps",
    queries: [rateBy("backend, code", "limpet_upstream_connect_failures_total")],
  },
  {
    title: "Retries by reason",
    unit: "reqps",
    queries: [rateBy("backend, reason", "limpet_upstream_retries_total")],
    about: "Some of `reused-connection` is usual: an endpoint hung up just when the next request came.",
  },
];

const DURATION: readonly Panel[] = [
  ...quantilesOf("of requests", "route", "limpet_request_duration_seconds"),
  ...quantilesOf("to an endpoint's head", "backend", "limpet_upstream_response_seconds"),
];

const SESSIONS: readonly Panel[] = [
  {
    title: "Outcomes",
    unit: "reqps",
    queries: [rateBy("route, outcome", "limpet_session_outcomes_total")],
  },
  {
    title: "Share of sessions that moved",
    unit: "percentunit",
    queries: [
      shareBy(
        "route",
        'limpet_session_outcomes_total{outcome="moved"}',
        'limpet_session_outcomes_total{outcome=~"kept|moved"}',
      ),
    ],
    about: "Of the requests that came with a session: whose endpoint was gone, so that they got another.",
  },
  {
    title: "Requests without a hash key",
    unit: "reqps",
    queries: [rateBy("route", "limpet_hash_key_missing_total")],
  },
  {
    title: "Keys that open tokens",
    unit: "reqps",
    queries: [rateBy("key", "limpet_session_tokens_opened_total")],
  },
  {
    title: "Keys of all workers",
    unit: "short",
    queries: [sumBy("instance, key, use", "limpet_session_keys")],
    about: "Instances that share their clients need the same keys.",
  },
  {
    title: "Key files read again",
    unit: "short",
    queries: [increaseBy("result", "limpet_session_key_reloads_total")],
  },
];

const POOLS: readonly Panel[] = [
  {
    title: "Connections to endpoints",
    unit: "short",
    queries: [sumBy("backend, state", "limpet_upstream_connections")],
  },
  {
    title: "Requests that wait for a connection",
    unit: "short",
    queries: [sumBy("backend", "limpet_upstream_pending_requests")],
  },
  {
    title: "Hits of the backend's limits",
    unit: "reqps",
    queries: [rateBy("backend, limit", "limpet_upstream_limit_hits_total")],
  },
  {
    title: "Connections begun",
    unit: "cps",
    queries: [rateBy("backend", "limpet_upstream_connects_total")],
  },
  {
    title: "Share of exchanges on a connection that had served before",
    unit: "percentunit",
    queries: [
      {
        expr: [
          sum("backend", rate("limpet_upstream_reuses_total")),
          `(${sum("backend", rate("limpet_upstream_reuses_total"))} + ${sum("backend", rate("limpet_upstream_connects_total"))})`,
        ].join(" / "),
        legend: "{{backend}}",
      },
    ],
    about:
      "Low at high rates: endpoints hang up after each answer, or after less than `--upstream-idle-timeout`.",
  },
];

const HEALTH: readonly Panel[] = [
  {
    title: "Endpoints by health",
    unit: "short",
    queries: [sumBy("backend, health", "limpet_endpoints")],
    about: "`unknown`, `healthy` and `degraded` serve. Instances are summed: each has a view of its own.",
  },
  {
    title: "Active checks",
    unit: "cps",
    queries: [rateBy("backend, result", "limpet_health_checks_total")],
  },
  {
    title: "Ejections",
    unit: "short",
    queries: [increaseBy("backend, reason", "limpet_ejections_total")],
  },
  {
    title: "Ejections prevented",
    unit: "short",
    queries: [increaseBy("backend", "limpet_ejections_prevented_total")],
    about: "More endpoints fail than outlier detection may take out.",
  },
  {
    title: "In flight on endpoints that drain",
    unit: "short",
    queries: [sumBy("backend, endpoint", "limpet_draining_requests")],
  },
  {
    title: "Sessions on endpoints that drain",
    unit: "short",
    queries: [sumBy("backend, endpoint", "limpet_draining_session_requests")],
    about: "At 0 an endpoint can go, and nobody's session moves.",
  },
  {
    title: "Host names whose resolution fails",
    unit: "short",
    queries: [sumBy("instance", "limpet_names_failing")],
  },
  {
    title: "Resolutions of host names",
    unit: "cps",
    queries: [rateBy("result", "limpet_name_resolutions_total")],
  },
];

const TLS: readonly Panel[] = [
  {
    title: "Handshakes",
    unit: "cps",
    queries: [rateBy("listener, version", "limpet_tls_handshakes_total")],
  },
  {
    title: "Share of handshakes that resumed a session",
    unit: "percentunit",
    queries: [
      shareBy("listener", 'limpet_tls_handshakes_total{resumed="true"}', "limpet_tls_handshakes_total"),
    ],
    about:
      "A full handshake costs a signature. Workers share their tickets, and a successor takes them over; other instances do not.",
  },
  {
    title: "Failures by reason",
    unit: "cps",
    queries: [rateBy("reason", "limpet_tls_handshake_failures_total")],
    about: "Scanners are always among them. `configuration` is the gateway's own fault.",
  },
  {
    title: "Connections passed through",
    unit: "cps",
    queries: [rateBy("listener, route", "limpet_passthrough_connections_total")],
  },
];

const LIMITS: readonly Panel[] = [
  limitPanel("Client connections, of what is allowed", "limpet_client_connections", "max-connections"),
  limitPanel("Requests in flight, of what is allowed", "limpet_requests_in_flight", "max-requests"),
  limitPanel("Buffered bytes, of what is allowed", "limpet_buffered_bytes", "max-buffered-size"),
  {
    title: "Requests refused for overload",
    unit: "reqps",
    queries: [rateBy("code", 'limpet_errors_total{code=~"overloaded|endpoint-busy|backend-busy"}')],
    about:
      "`overloaded`: `--max-requests` or `--max-buffered-size`; `endpoint-busy`: `--max-requests-per-endpoint`; `backend-busy`: a circuit breaker of the backend.",
  },
  {
    title: "Lines of the access log dropped",
    unit: "cps",
    queries: [rateBy("instance", "limpet_access_log_dropped_lines_total")],
  },
];

const PROCESSES: readonly Panel[] = [
  {
    title: "CPU",
    unit: "percentunit",
    queries: [rateBy("instance, process", "limpet_process_cpu_seconds_total")],
    about: "100 % is one core.",
  },
  {
    title: "Event loop at work",
    unit: "percentunit",
    queries: [rateBy("instance, process", "limpet_process_event_loop_busy_seconds_total")],
  },
  {
    title: "Delay of the event loop, p99",
    unit: "s",
    queries: [quantileBy("instance, process", 0.99, "limpet_process_event_loop_delay_seconds")],
  },
  {
    title: "Resident memory",
    unit: "bytes",
    queries: [sumBy("instance, process", "limpet_process_resident_memory_bytes")],
  },
  {
    title: "JavaScript heap in use",
    unit: "bytes",
    queries: [sumBy("instance, process", "limpet_process_heap_used_bytes")],
  },
  {
    title: "Workers",
    unit: "short",
    queries: [
      sumBy("instance", "limpet_workers", "{{instance}} serving"),
      sumBy("instance", "limpet_worker_up", "{{instance}} answering"),
    ],
    about: "A worker that serves and does not answer is stuck.",
  },
  {
    title: "Workers that died",
    unit: "short",
    queries: [increaseBy("instance", "limpet_worker_restarts_total")],
  },
  {
    title: "Up for",
    unit: "s",
    queries: [{ expr: "time() - limpet_start_time_seconds", legend: "{{instance}}" }],
    figure: "value",
    about: "A hand-over to a new version begins anew, like every counter.",
  },
  {
    title: "Version",
    unit: "short",
    queries: [sumBy("version, node", "limpet_build_info", "{{version}} on Node.js {{node}}")],
    figure: "name",
  },
];

const CONFIGURATION: readonly Panel[] = [
  {
    title: "Version of the snapshot",
    unit: "short",
    queries: [
      sumBy("instance", "limpet_snapshot_version", "{{instance}}"),
      sumBy("instance, worker", "limpet_worker_snapshot_version", "{{instance}} worker {{worker}}"),
    ],
    about:
      "It grows with configurations and with verdicts about endpoints. Workers that stay behind serve something old.",
  },
  {
    title: "Age of the configuration",
    unit: "s",
    queries: [sumBy("instance", "limpet_snapshot_age_seconds")],
  },
  {
    title: "Objects in the snapshot",
    unit: "short",
    queries: [sumBy("instance, kind", "limpet_snapshot_objects")],
  },
  {
    title: "Findings",
    unit: "short",
    queries: [sumBy("instance, severity", "limpet_findings")],
    about: "`limpet validate` lists them with their places.",
  },
  { title: "Reloads", unit: "short", queries: [increaseBy("result", "limpet_reloads_total")] },
];

export const ROWS: readonly Row[] = [
  { title: "Traffic", panels: TRAFFIC },
  { title: "Errors", panels: ERRORS },
  { title: "Duration", panels: DURATION },
  { title: "Sessions", panels: SESSIONS },
  { title: "Pools", panels: POOLS },
  { title: "Health", panels: HEALTH },
  { title: "TLS", panels: TLS },
  { title: "Limits", panels: LIMITS },
  { title: "Workers and processes", panels: PROCESSES },
  { title: "Configuration", panels: CONFIGURATION },
];

function quantilesOf(what: string, label: string, histogram: string): Panel[] {
  return [0.5, 0.95, 0.99].map((part) => ({
    title: `p${part * 100} ${what} by ${label}`,
    unit: "s",
    queries: [quantileBy(label, part, histogram)],
  }));
}

function limitPanel(title: string, gauge: string, limit: string): Panel {
  const allowed = sum("instance", `limpet_limit{limit="${limit}"}`);
  const expr = `${sum("instance", gauge)} / ${allowed}`;
  return { title, unit: "percentunit", queries: [{ expr, legend: "{{instance}}" }] };
}
