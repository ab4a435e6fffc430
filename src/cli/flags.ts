// The registry of flags: commander's options, their parsing, `--help` and docs/cli.md all come from these tables.
import { TRACING_KINDS } from "../runtime/processes/messages.ts";
import { LOG_LEVELS } from "../telemetry/index.ts";
import {
  ADMIN_URL,
  count,
  DURATION,
  ENDPOINT_ADDRESS,
  type FlagTable,
  IP_ADDRESS,
  LOG_FORMAT,
  NETWORKS,
  oneOf,
  SOCKET_ADDRESSES,
  TEXT,
  TIME,
  WORKERS,
} from "./flag.ts";
import { parseHostPort } from "./flag-values.ts";
import { KUBERNETES_FLAGS } from "./kubernetes-flags.ts";
import { LIMIT_FLAGS } from "./limit-flags.ts";

const CONFIGURATION = "Configuration";
const LISTENING = "Listening";
const PROCESS = "Processes and logs";
const ENDPOINTS = "Where endpoints are found";
const TRUST = "Who the client is";
const SESSIONS = "Sessions";
const DRAIN = "The drain";
const LATER = "Not built yet (refused with exit code 2)";

/** On every command. */
export const OUTPUT_FLAGS = {
  output: {
    group: "Output",
    help: "Text for people or JSON for programs.",
    value: oneOf("text", "json"),
    default: "text",
  },
  json: { group: "Output", help: "Short for --output json." },
} as const satisfies FlagTable;

export const FILE_FLAGS = {
  file: {
    group: CONFIGURATION,
    short: "f",
    help: "Files or folders of YAML or JSON; folders are searched in depth.",
    value: { ...TEXT, placeholder: "PATH" },
    many: true,
  },
} as const satisfies FlagTable;

export const SESSION_KEY_FLAGS = {
  "session-keys": {
    group: SESSIONS,
    help: "Keys of limpet token keygen, one a line: the first seals session tokens, all open them; watched. See docs/security.md.",
    value: { ...TEXT, placeholder: "FILE" },
  },
} as const satisfies FlagTable;

const SERVE_FLAGS = {
  ...SESSION_KEY_FLAGS,
  admin: {
    group: LISTENING,
    help: "Address of the admin port, or off.",
    value: { placeholder: "IP:PORT|off", parse: parseHostPort },
    default: "127.0.0.1:9900",
  },
  workers: {
    group: PROCESS,
    help: "Worker processes that carry the traffic; cores: as many as this process may use.",
    value: WORKERS,
    default: "cores",
  },
  "drain-timeout": {
    group: PROCESS,
    help: "On SIGTERM: how long requests in flight may take to finish.",
    value: DURATION,
    default: "10s",
    past: { errors: ["draining"], connection: "closed" },
  },
  "log-level": {
    group: PROCESS,
    help: "How much goes to standard error.",
    value: oneOf(...LOG_LEVELS),
    default: "info",
  },
} as const satisfies FlagTable;

const PORT_FLAGS = {
  "port-offset": {
    group: LISTENING,
    help: "Added to every listener's port: 8000 makes 80 into 8080.",
    value: count(0, 65_535),
    default: "0",
  },
} as const satisfies FlagTable;

const NAME_FLAGS = {
  "dns-servers": {
    group: ENDPOINTS,
    help: "DNS servers for host names of backends; those of the system, and its hosts file, if not given.",
    value: SOCKET_ADDRESSES,
  },
} as const satisfies FlagTable;

const TRUST_FLAGS = {
  "trusted-proxies": {
    group: TRUST,
    help: "Networks of proxies whose X-Forwarded-* are believed.",
    value: NETWORKS,
  },
  "trusted-hops": {
    group: TRUST,
    help: "So many proxies stand in front of the gateway, whatever their addresses.",
    value: count(0, 16),
    default: "0",
  },
} as const satisfies FlagTable;

export const RUN_FLAGS = {
  ...FILE_FLAGS,
  "strict-config": { group: CONFIGURATION, help: "Refuse a configuration with any error, as a whole." },
  "no-watch": { group: CONFIGURATION, help: "Do not reload when files change (SIGHUP still does)." },
  "listen-address": {
    group: LISTENING,
    help: "Address for Gateways without spec.addresses (all addresses if not given).",
    value: IP_ADDRESS,
  },
  ...PORT_FLAGS,
  ...SERVE_FLAGS,
  "drain-delay": {
    group: PROCESS,
    help: "On SIGTERM: how long to go on accepting first, while /readyz says 503, so that load balancers notice.",
    value: DURATION,
    default: "0s",
  },
  "access-log": {
    group: PROCESS,
    help: "File for the access log, or off; standard output if not given. SIGUSR1 opens it anew, after rotation.",
    value: { ...TEXT, placeholder: "FILE|off" },
  },
  "access-log-format": {
    group: PROCESS,
    help: "Lines of JSON, or a text such as '%{client} %{method} %{path} %{status}': see docs/observability.md.",
    value: LOG_FORMAT,
    default: "json",
  },
  tracing: {
    group: PROCESS,
    help: "Spans of requests for the OpenTelemetry SDK that NODE_OPTIONS=--import loads: see docs/observability.md.",
    value: oneOf(...TRACING_KINDS),
    default: "off",
  },
  ...NAME_FLAGS,
  "trusted-proxies": TRUST_FLAGS["trusted-proxies"],
  "proxy-protocol-from": {
    group: TRUST,
    help: "Networks of proxies whose connections begin with a PROXY header (version 1 or 2); without one they are closed.",
    value: NETWORKS,
  },
  "trusted-hops": TRUST_FLAGS["trusted-hops"],
  ...LIMIT_FLAGS,
  ...KUBERNETES_FLAGS,
  engine: {
    group: LATER,
    help: "The data plane; envoy is not built yet.",
    value: oneOf("embedded", "envoy"),
    default: "embedded",
  },
  envoy: { group: LATER, help: "The Envoy binary.", value: { ...TEXT, placeholder: "PATH" }, notBuilt: true },
} as const satisfies FlagTable;

export const VALIDATE_FLAGS = { ...FILE_FLAGS, ...SESSION_KEY_FLAGS } as const satisfies FlagTable;

const QUESTION = "The request";

/** How files are explained; a gateway that runs has its own. */
export const EXPLAIN_FILES_FLAGS = {
  ...SESSION_KEY_FLAGS,
  ...PORT_FLAGS,
  ...NAME_FLAGS,
  ...TRUST_FLAGS,
} as const satisfies FlagTable;

export const EXPLAIN_FLAGS = {
  ...FILE_FLAGS,
  admin: {
    group: CONFIGURATION,
    help: "Ask a gateway that runs, by its admin port, in place of files.",
    value: ADMIN_URL,
  },
  request: {
    group: QUESTION,
    help: "Method and URL, such as 'GET https://shop.example/cart'; the URL's port picks the listener.",
    value: { ...TEXT, placeholder: "METHOD URL" },
  },
  header: {
    group: QUESTION,
    short: "H",
    help: "A header line, such as 'cookie: home=...'.",
    value: { ...TEXT, placeholder: "NAME: VALUE" },
    many: true,
  },
  client: {
    group: QUESTION,
    help: "The TCP peer; 127.0.0.1 if not given. Its port counts for hash cookies that are generated.",
    value: { ...TEXT, placeholder: "IP[:PORT]" },
  },
  local: {
    group: QUESTION,
    help: "Where it came to, for Gateways with addresses and for hash cookies that are generated.",
    value: { ...TEXT, placeholder: "IP[:PORT]" },
  },
  at: {
    group: QUESTION,
    help: "When, such as 2026-01-01T00:00:00Z; now if not given.",
    value: { ...TEXT, placeholder: "TIME" },
  },
  refusing: {
    group: QUESTION,
    help: "Endpoints that refuse connections, to see where the request goes then.",
    value: { ...TEXT, placeholder: "IP:PORT" },
    many: true,
  },
  ...EXPLAIN_FILES_FLAGS,
} as const satisfies FlagTable;

const TOKEN = "The token";

const TOKEN_CONTEXT_FLAGS = {
  file: {
    ...FILE_FLAGS.file,
    help: "The configuration: what it declares gives the scopes, timeouts and backends of sessions.",
  },
  ...SESSION_KEY_FLAGS,
  scope: {
    group: TOKEN,
    help: "What the token is bound to: kind/namespace/name of what declares the session, the rule, and the session's name.",
    value: TEXT,
  },
} as const satisfies FlagTable;

export const TOKEN_OPEN_FLAGS = {
  ...TOKEN_CONTEXT_FLAGS,
  at: { group: TOKEN, help: "Count its times from then; now if not given.", value: TIME },
} as const satisfies FlagTable;

export const TOKEN_SEAL_FLAGS = {
  ...TOKEN_CONTEXT_FLAGS,
  endpoint: {
    group: TOKEN,
    help: "Where the session lives.",
    value: ENDPOINT_ADDRESS,
  },
  uid: { group: TOKEN, help: "UID of its pod: another pod at the address is not followed.", value: TEXT },
  hostname: { group: TOKEN, help: "Its hostname, for sessions with identity hostname.", value: TEXT },
  backend: {
    group: TOKEN,
    help: "The backend, where several have the endpoint.",
    value: { ...TEXT, placeholder: "KIND/NAMESPACE/NAME:PORT" },
  },
  begun: { group: TOKEN, help: "When the session began; now if not given.", value: TIME },
  "last-seen": { group: TOKEN, help: "When it was last seen.", value: TIME },
  expires: { group: TOKEN, help: "When it ends, if before the session's absolute timeout.", value: TIME },
  value: { group: TOKEN, help: "The application's own value, for a session that wraps it.", value: TEXT },
} as const satisfies FlagTable;

export const DRAIN_FLAGS = {
  admin: {
    group: DRAIN,
    help: "The gateway, by its admin port.",
    value: ADMIN_URL,
    default: "127.0.0.1:9900",
  },
  undo: { group: DRAIN, help: "Let the endpoint have new sessions again." },
  list: { group: DRAIN, help: "Say which endpoints drain, and who says so." },
  wait: { group: DRAIN, help: "Come back when no request and no tunnel is in flight there." },
} as const satisfies FlagTable;

export const DEMO_FLAGS = {
  file: {
    ...FILE_FLAGS.file,
    help: "Serve these files, such as those of examples/, in place of the demo's own; replicas on ports 3001 to 3004.",
  },
  port: {
    group: LISTENING,
    help: "Port of the gateway on 127.0.0.1, for the demo's own configuration.",
    value: count(1, 65_535),
    default: "8080",
  },
  ...SERVE_FLAGS,
} as const satisfies FlagTable;
