// What the Grafana dashboard shows, row by row; a metric that is new gets its panel here.
import {
  increaseBy,
  type Panel,
  panel,
  quantileBy,
  type Row,
  rate,
  rateBy,
  shareBy,
  sum,
  sumBy,
} from "./panel.ts";

const TRAFFIC: readonly Panel[] = [
  panel("Requests by route", "reqps", [rateBy("route", "limpet_requests_total")], {
    about: "The series without a name is what found no route.",
  }),
  panel("Requests by backend", "reqps", [rateBy("backend", "limpet_requests_total")]),
  panel("Requests by class of status", "reqps", [rateBy("code_class", "limpet_requests_total")]),
  panel("Requests by listener and protocol", "reqps", [
    rateBy("listener, protocol", "limpet_listener_requests_total"),
  ]),
  panel(
    "In flight",
    "short",
    [
      sumBy("", "limpet_requests_in_flight", "requests and tunnels"),
      sumBy("", "limpet_tunnels", "tunnels"),
      sumBy("", "limpet_client_connections", "client connections"),
    ],
    { about: "Tunnels (WebSockets) are requests in flight for as long as they are open." },
  ),
  panel("Client connections", "cps", [
    rateBy("", "limpet_client_connections_total", "accepted"),
    rateBy("", "limpet_client_connections_yielded_total", "idle, closed for newcomers"),
    rateBy("", "limpet_client_connections_refused_total", "turned away"),
  ]),
  panel("Bodies from clients by route", "Bps", [rateBy("route", "limpet_request_body_bytes_total")]),
  panel("Bodies to clients by route", "Bps", [rateBy("route", "limpet_response_body_bytes_total")]),
  panel("Mirrored requests", "reqps", [rateBy("backend, result", "limpet_mirrored_requests_total")]),
];

const ERRORS: readonly Panel[] = [
  panel(
    "Share of 5xx by route",
    "percentunit",
    [shareBy("route", 'limpet_requests_total{code_class="5xx"}', "limpet_requests_total")],
    { about: "Answers of endpoints and of the gateway. The panel beside this one has the gateway's own." },
  ),
  panel("Errors by code", "reqps", [rateBy("code", "limpet_errors_total")], {
    about: "The access log has the same code in the field `error` of each request.",
  }),
  panel("Input that was rejected", "reqps", [rateBy("code", "limpet_requests_rejected_total")]),
  panel("Answers of endpoints by class of status", "reqps", [
    rateBy("backend, code_class", "limpet_upstream_responses_total"),
  ]),
  panel("Connections to endpoints that failed", "cps", [
    rateBy("backend, code", "limpet_upstream_connect_failures_total"),
  ]),
  panel("Retries by reason", "reqps", [rateBy("backend, reason", "limpet_upstream_retries_total")], {
    about: "Some of `reused-connection` is usual: an endpoint hung up just when the next request came.",
  }),
];

const DURATION: readonly Panel[] = [
  ...quantilesOf("of requests", "route", "limpet_request_duration_seconds"),
  ...quantilesOf("to an endpoint's head", "backend", "limpet_upstream_response_seconds"),
];

const SESSIONS: readonly Panel[] = [
  panel("Outcomes", "reqps", [rateBy("route, outcome", "limpet_session_outcomes_total")]),
  panel(
    "Share of sessions that moved",
    "percentunit",
    [
      shareBy(
        "route",
        'limpet_session_outcomes_total{outcome="moved"}',
        'limpet_session_outcomes_total{outcome=~"kept|moved"}',
      ),
    ],
    { about: "Of the requests that came with a session: whose endpoint was gone, so that they got another." },
  ),
  panel("Requests without a hash key", "reqps", [rateBy("route", "limpet_hash_key_missing_total")]),
  panel("Keys that open tokens", "reqps", [rateBy("key", "limpet_session_tokens_opened_total")]),
  panel("Keys of all workers", "short", [sumBy("instance, key, use", "limpet_session_keys")], {
    about: "Instances that share their clients need the same keys.",
  }),
  panel("Key files read again", "short", [increaseBy("result", "limpet_session_key_reloads_total")]),
];

const POOLS: readonly Panel[] = [
  panel("Connections to endpoints", "short", [sumBy("backend, state", "limpet_upstream_connections")]),
  panel("Requests that wait for a connection", "short", [
    sumBy("backend", "limpet_upstream_pending_requests"),
  ]),
  panel("Hits of the backend's limits", "reqps", [
    rateBy("backend, limit", "limpet_upstream_limit_hits_total"),
  ]),
  panel("Connections begun", "cps", [rateBy("backend", "limpet_upstream_connects_total")]),
  panel(
    "Share of exchanges on a connection that had served before",
    "percentunit",
    [
      {
        expr: [
          sum("backend", rate("limpet_upstream_reuses_total")),
          `(${sum("backend", rate("limpet_upstream_reuses_total"))} + ${sum("backend", rate("limpet_upstream_connects_total"))})`,
        ].join(" / "),
        legend: "{{backend}}",
      },
    ],
    {
      about:
        "Low at high rates: endpoints hang up after each answer, or after less than `--upstream-idle-timeout`.",
    },
  ),
];

const HEALTH: readonly Panel[] = [
  panel("Endpoints by health", "short", [sumBy("backend, health", "limpet_endpoints")], {
    about: "`unknown`, `healthy` and `degraded` serve. Instances are summed: each has a view of its own.",
  }),
  panel("Active checks", "cps", [rateBy("backend, result", "limpet_health_checks_total")]),
  panel("Ejections", "short", [increaseBy("backend, reason", "limpet_ejections_total")]),
  panel("Ejections prevented", "short", [increaseBy("backend", "limpet_ejections_prevented_total")], {
    about: "More endpoints fail than outlier detection may take out.",
  }),
  panel("In flight on endpoints that drain", "short", [
    sumBy("backend, endpoint", "limpet_draining_requests"),
  ]),
  panel(
    "Sessions on endpoints that drain",
    "short",
    [sumBy("backend, endpoint", "limpet_draining_session_requests")],
    { about: "At 0 an endpoint can go, and nobody's session moves." },
  ),
  panel("Host names whose resolution fails", "short", [sumBy("instance", "limpet_names_failing")]),
  panel("Resolutions of host names", "cps", [rateBy("result", "limpet_name_resolutions_total")]),
];

const TLS: readonly Panel[] = [
  panel("Handshakes", "cps", [rateBy("listener, version", "limpet_tls_handshakes_total")]),
  panel(
    "Share of handshakes that resumed a session",
    "percentunit",
    [shareBy("listener", 'limpet_tls_handshakes_total{resumed="true"}', "limpet_tls_handshakes_total")],
    {
      about:
        "A full handshake costs a signature. Workers share their tickets, and a successor takes them over; other instances do not.",
    },
  ),
  panel("Failures by reason", "cps", [rateBy("reason", "limpet_tls_handshake_failures_total")], {
    about: "Scanners are always among them. `configuration` is the gateway's own fault.",
  }),
  panel("Connections passed through", "cps", [
    rateBy("listener, route", "limpet_passthrough_connections_total"),
  ]),
];

const LIMITS: readonly Panel[] = [
  limitPanel("Client connections, of what is allowed", "limpet_client_connections", "max-connections"),
  limitPanel("Requests in flight, of what is allowed", "limpet_requests_in_flight", "max-requests"),
  limitPanel("Buffered bytes, of what is allowed", "limpet_buffered_bytes", "max-buffered-size"),
  panel(
    "Requests refused for overload",
    "reqps",
    [rateBy("code", 'limpet_errors_total{code=~"overloaded|endpoint-busy|backend-busy"}')],
    {
      about:
        "`overloaded`: `--max-requests` or `--max-buffered-size`; `endpoint-busy`: `--max-requests-per-endpoint`; `backend-busy`: a circuit breaker of the backend.",
    },
  ),
  panel("Lines of the access log dropped", "cps", [
    rateBy("instance", "limpet_access_log_dropped_lines_total"),
  ]),
];

const PROCESSES: readonly Panel[] = [
  panel("CPU", "percentunit", [rateBy("instance, process", "limpet_process_cpu_seconds_total")], {
    about: "100 % is one core.",
  }),
  panel("Event loop at work", "percentunit", [
    rateBy("instance, process", "limpet_process_event_loop_busy_seconds_total"),
  ]),
  panel("Delay of the event loop, p99", "s", [
    quantileBy("instance, process", 0.99, "limpet_process_event_loop_delay_seconds"),
  ]),
  panel("Resident memory", "bytes", [sumBy("instance, process", "limpet_process_resident_memory_bytes")]),
  panel("JavaScript heap in use", "bytes", [sumBy("instance, process", "limpet_process_heap_used_bytes")]),
  panel(
    "Workers",
    "short",
    [
      sumBy("instance", "limpet_workers", "{{instance}} serving"),
      sumBy("instance", "limpet_worker_up", "{{instance}} answering"),
    ],
    { about: "A worker that serves and does not answer is stuck." },
  ),
  panel("Workers that died", "short", [increaseBy("instance", "limpet_worker_restarts_total")]),
  panel("Up for", "s", [{ expr: "time() - limpet_start_time_seconds", legend: "{{instance}}" }], {
    figure: "value",
    about: "A hand-over to a new version begins anew, like every counter.",
  }),
  panel(
    "Version",
    "short",
    [sumBy("version, node", "limpet_build_info", "{{version}} on Node.js {{node}}")],
    { figure: "name" },
  ),
];

const CONFIGURATION: readonly Panel[] = [
  panel(
    "Version of the snapshot",
    "short",
    [
      sumBy("instance", "limpet_snapshot_version", "{{instance}}"),
      sumBy("instance, worker", "limpet_worker_snapshot_version", "{{instance}} worker {{worker}}"),
    ],
    {
      about:
        "It grows with configurations and with verdicts about endpoints. Workers that stay behind serve something old.",
    },
  ),
  panel("Age of the configuration", "s", [sumBy("instance", "limpet_snapshot_age_seconds")]),
  panel("Objects in the snapshot", "short", [sumBy("instance, kind", "limpet_snapshot_objects")]),
  panel("Findings", "short", [sumBy("instance, severity", "limpet_findings")], {
    about: "`limpet validate` lists them with their places.",
  }),
  panel("Reloads", "short", [increaseBy("result", "limpet_reloads_total")]),
];

const KUBERNETES: readonly Panel[] = [
  panel("API server answers", "short", [sumBy("instance", "limpet_kubernetes_api_server_up")], {
    about: "At 0 the gateway serves what the API server said last.",
  }),
  panel("Objects by kind", "short", [sumBy("instance, kind", "limpet_kubernetes_objects")]),
  panel("Silence of watches", "s", [sumBy("instance, kind", "limpet_kubernetes_watch_silent_seconds")], {
    about: "A kind that is silent for more than two minutes is not watched.",
  }),
  panel("Watches begun", "short", [increaseBy("kind", "limpet_kubernetes_watches_total")]),
  panel("Kinds listed anew", "short", [increaseBy("kind", "limpet_kubernetes_lists_total")], {
    about:
      "Many at once, again and again: something closes watches, or the API server's history is too short.",
  }),
  panel("Lists and watches that failed", "short", [
    increaseBy("kind, code", "limpet_kubernetes_watch_failures_total"),
  ]),
  panel("Leader", "short", [sumBy("instance", "limpet_kubernetes_leader")], {
    about: "One replica has 1. None at all: nobody can write the Lease.",
  }),
  panel("Changes of the leader", "short", [
    increaseBy("instance", "limpet_kubernetes_leader_transitions_total"),
  ]),
  panel("Statuses written", "short", [increaseBy("kind, result", "limpet_kubernetes_status_writes_total")]),
  panel("Statuses to be written", "short", [sumBy("instance", "limpet_kubernetes_status_writes_waiting")]),
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
  { title: "Kubernetes", panels: KUBERNETES },
];

function quantilesOf(what: string, label: string, histogram: string): Panel[] {
  return [0.5, 0.95, 0.99].map((part) =>
    panel(`p${part * 100} ${what} by ${label}`, "s", [quantileBy(label, part, histogram)]),
  );
}

function limitPanel(title: string, gauge: string, limit: string): Panel {
  const allowed = sum("instance", `limpet_limit{limit="${limit}"}`);
  const expr = `${sum("instance", gauge)} / ${allowed}`;
  return panel(title, "percentunit", [{ expr, legend: "{{instance}}" }]);
}
