// One check of one endpoint: what is asked, and how its end is told.
import type { Backend, Endpoint, HealthCheck } from "../../model/index.ts";
import type { UpstreamPool } from "../upstream-pool.ts";
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
export type ProbeConnections = Pick<UpstreamPool, "acquire">;

/** `done` is called exactly once, never from within this call, unless the probe is cancelled before. */
export function startProbe(
  connections: ProbeConnections,
  backend: Backend,
  endpoint: Endpoint,
  check: HealthCheck,
  done: (outcome: ProbeOutcome) => void,
): Probe {
  const target = check.port === undefined ? endpoint : atPort(endpoint, check.port);
  return check.check.kind === "http"
    ? new HttpProbe(connections, backend, target, check.check, check.timeoutMs, done)
    : new TcpProbe(target, check.check, check.timeoutMs, done);
}

function atPort(endpoint: Endpoint, port: number): Endpoint {
  const address = endpoint.host.includes(":") ? `[${endpoint.host}]:${port}` : `${endpoint.host}:${port}`;
  return { ...endpoint, port, address };
}
