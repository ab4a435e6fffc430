// The registry of flags: commander's options, their parsing, `--help` and docs/cli.md all come from these tables.
import { DEFAULT_DATAPLANE_OPTIONS as DATAPLANE } from "../dataplane/options.ts";
import { LOG_LEVELS } from "../telemetry/index.ts";
import {
  formatDuration,
  formatSize,
  parseChoice,
  parseCount,
  parseDuration,
  parseHostPort,
  parseIpAddress,
  parseNetworks,
  parseSize,
  parseTimeout,
} from "./flag-values.ts";

/** How a kind of value is named in `--help`, and read. */
interface ValueKind<T> {
  readonly placeholder: string;
  readonly parse: (text: string) => T;
}

const DURATION: ValueKind<number> = { placeholder: "DURATION", parse: parseDuration };
const TIMEOUT: ValueKind<number> = { placeholder: "DURATION", parse: parseTimeout };
const SIZE: ValueKind<number> = { placeholder: "SIZE", parse: parseSize };
const TEXT: ValueKind<string> = { placeholder: "TEXT", parse: (text) => text };
const IP_ADDRESS: ValueKind<string> = { placeholder: "IP", parse: parseIpAddress };
const NETWORKS = { placeholder: "CIDR,...", parse: parseNetworks } satisfies ValueKind<readonly string[]>;

function count(least: number, most: number): ValueKind<number> {
  return { placeholder: "N", parse: (text) => parseCount(text, least, most) };
}

function oneOf<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  return { placeholder: choices.join("|"), parse: (text) => parseChoice(text, choices) };
}

export interface Flag<T = unknown> {
  /** Heading in `--help`. */
  readonly group: string;
  readonly help: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Undefined: a switch, on where it is given. */
  readonly value?: ValueKind<T>;
  /** As it would be typed; without one the value is undefined where the flag is not given. */
  readonly default?: string;
  /** Takes several values, and may be given several times. */
  readonly many?: true;
  /** Known, and refused with exit code 2 until it is built. */
  readonly notBuilt?: true;
}

export type FlagTable = Readonly<Record<string, Flag>>;

/** What a table's flags amount to: `drain-timeout` of a duration becomes `drainTimeout: number`. */
export type FlagValues<T extends FlagTable> = {
  readonly [K in keyof T & string as CamelCase<K>]: ValueOf<T[K]>;
};

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

type ValueOf<F extends Flag> = F extends { readonly value: ValueKind<infer T> }
  ? F extends { readonly many: true }
    ? readonly T[]
    : F extends { readonly default: string }
      ? T
      : T | undefined
  : boolean;

const CONFIGURATION = "Configuration";
const LISTENING = "Listening";
const PROCESS = "Processes and logs";
const TRUST = "Who the client is";
const TIMEOUTS = "Timeouts";
const LIMITS = "Limits";
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

const SERVE_FLAGS = {
  admin: {
    group: LISTENING,
    help: "Address of the admin port, or off.",
    value: { placeholder: "IP:PORT|off", parse: parseHostPort },
    default: "127.0.0.1:9900",
  },
  workers: {
    group: PROCESS,
    help: "Worker processes that carry the traffic.",
    value: count(1, 256),
    default: "1",
  },
  "drain-timeout": {
    group: PROCESS,
    help: "On SIGTERM: how long requests in flight may take to finish.",
    value: DURATION,
    default: "10s",
  },
  "log-level": {
    group: PROCESS,
    help: "How much goes to standard error.",
    value: oneOf(...LOG_LEVELS),
    default: "info",
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
  "port-offset": {
    group: LISTENING,
    help: "Added to every listener's port: 8000 makes 80 into 8080.",
    value: count(0, 65_535),
    default: "0",
  },
  ...SERVE_FLAGS,
  "access-log": {
    group: PROCESS,
    help: "File for the access log (JSON lines), or off; standard output if not given.",
    value: { ...TEXT, placeholder: "FILE|off" },
  },
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
  "request-head-timeout": {
    group: TIMEOUTS,
    help: "From the first byte of a request to the end of its head.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.requestHeadTimeoutMs),
  },
  "request-body-timeout": {
    group: TIMEOUTS,
    help: "No byte of a request body for so long.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.requestBodyTimeoutMs),
  },
  "idle-timeout": {
    group: TIMEOUTS,
    help: "A client's connection without a request.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.idleTimeoutMs),
  },
  "write-timeout": {
    group: TIMEOUTS,
    help: "The client takes no byte of a response for so long.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.writeTimeoutMs),
  },
  "upstream-connect-timeout": {
    group: TIMEOUTS,
    help: "Connecting to an endpoint.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.upstreamConnectTimeoutMs),
  },
  "upstream-response-timeout": {
    group: TIMEOUTS,
    help: "No byte from the endpoint for so long, once the request is sent.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.upstreamResponseTimeoutMs),
  },
  "tunnel-timeout": {
    group: TIMEOUTS,
    help: "A WebSocket in which neither side says anything.",
    value: TIMEOUT,
    default: formatDuration(DATAPLANE.tunnelTimeoutMs),
  },
  "max-head-size": {
    group: LIMITS,
    help: "Bytes of a request's head.",
    value: SIZE,
    default: formatSize(DATAPLANE.maxHeadSize),
  },
  "max-headers": {
    group: LIMITS,
    help: "Header lines of a request.",
    value: count(1, 10_000),
    default: String(DATAPLANE.maxHeaders),
  },
  "max-body-size": {
    group: LIMITS,
    help: "Bytes of a request body; 0: no limit, bodies are streamed.",
    value: SIZE,
    default: formatSize(DATAPLANE.maxBodySize),
  },
  "max-connections": {
    group: LIMITS,
    help: "Client connections, the total over all workers.",
    value: count(1, 10_000_000),
    default: String(DATAPLANE.maxConnections),
  },
  engine: {
    group: LATER,
    help: "The data plane; envoy is not built yet.",
    value: oneOf("embedded", "envoy"),
    default: "embedded",
  },
  envoy: { group: LATER, help: "The Envoy binary.", value: { ...TEXT, placeholder: "PATH" }, notBuilt: true },
  "session-keys": {
    group: LATER,
    help: "Keys for sealed tokens.",
    value: { ...TEXT, placeholder: "FILE" },
    notBuilt: true,
  },
  "proxy-protocol-from": {
    group: LATER,
    help: "Networks that speak the PROXY protocol.",
    value: NETWORKS,
    notBuilt: true,
  },
  kubernetes: { group: LATER, help: "Watch an API server in place of files.", notBuilt: true },
  "gateway-class": {
    group: LATER,
    help: "The GatewayClass to serve.",
    value: { ...TEXT, placeholder: "NAME" },
    notBuilt: true,
  },
  "address-pool": {
    group: LATER,
    help: "Bind each Gateway an address of its own.",
    value: { ...TEXT, placeholder: "CIDR" },
    notBuilt: true,
  },
  "allow-external-name": { group: LATER, help: "Serve ExternalName Services in Kubernetes.", notBuilt: true },
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
