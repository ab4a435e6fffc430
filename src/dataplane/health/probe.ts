// One check of one endpoint: what is asked, and how its end is told.
import type { Socket } from "node:net";
import type { Backend, Endpoint, HealthCheck } from "../../model/index.ts";
import { MAX_DELAY_MS } from "../alarms.ts";
import type { ProxyError } from "../proxy-error.ts";
import type { UpstreamConnection } from "../upstream-connection.ts";
import { HttpProbe } from "./http-probe.ts";
import { TcpProbe } from "./tcp-probe.ts";

/** What one probe found out. */
export interface ProbeOutcome {
  /** `refused`: an answer that no threshold waits for (an HTTP status that is neither expected nor retriable). */
  readonly result: "passed" | "failed" | "refused";
  /** For the log: `status 503`, `connect-failed`, `no answer in 1000 ms`. */
  readonly reason: string;
}

export interface Probe {
  /** Gives up; nothing is told any more. */
  cancel(): void;
}

/** Where connections for checks come from: those of requests and those of checks never mix. */
export interface ProbeConnections {
  /** For one HTTP exchange; `fresh`: not one that has served before. */
  exchange(backend: Backend, endpoint: Endpoint, fresh: boolean): UpstreamConnection;
  /** These are the backends that are checked now: connections that do not fit them are given up. */
  update(backends: readonly Backend[]): void;
  /** For bytes; what is received is valid during the call only. */
  open(backend: Backend, endpoint: Endpoint, receive: (chunk: Buffer) => void): Socket | ProxyError;
}

/** `done` is called exactly once, never from within this call, unless the probe is cancelled before. */
export function startProbe(
  connections: ProbeConnections,
  backend: Backend,
  endpoint: Endpoint,
  check: HealthCheck,
  done: (outcome: ProbeOutcome) => void,
): Probe {
  const target = check.port === undefined ? endpoint : atPort(endpoint, check.port);
  const timeoutMs = Math.min(check.timeoutMs, MAX_DELAY_MS);
  return check.check.kind === "http"
    ? new HttpProbe(connections, backend, target, check.check, timeoutMs, done)
    : new TcpProbe(connections, backend, target, check.check, timeoutMs, done);
}

function atPort(endpoint: Endpoint, port: number): Endpoint {
  const address = endpoint.host.includes(":") ? `[${endpoint.host}]:${port}` : `${endpoint.host}:${port}`;
  return { ...endpoint, port, address };
}
