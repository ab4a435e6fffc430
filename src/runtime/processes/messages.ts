// What the primary and its workers say to each other.
import type { Observation } from "../../dataplane/health/observation.ts";
import type { DataplaneOptions } from "../../dataplane/options.ts";
import type { LogLevel, MetricSample } from "../../telemetry/index.ts";

export type AccessLogTarget =
  | { readonly kind: "stdout" }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "off" };

/** What follows requests; opentelemetry: whatever SDK was loaded into the process before. */
export const TRACING_KINDS = ["off", "opentelemetry"] as const;
export type TracingKind = (typeof TRACING_KINDS)[number];

/** What a worker must know before anything else; limits are the worker's own share. */
export interface WorkerSettings {
  readonly worker: number;
  readonly dataplane: DataplaneOptions;
  readonly accessLog: AccessLogTarget;
  /** As `parseLogFormat` reads it. */
  readonly accessLogFormat: string;
  readonly tracing: TracingKind;
  readonly logLevel: LogLevel;
  readonly humanLog: boolean;
  /** Used when the primary dies and nobody can say how long any more. */
  readonly drainTimeoutMs: number;
  /** What TLS session tickets are sealed with, in base64: the same for all workers, see `TicketKeys`. */
  readonly ticketKeys: string;
  /** What session tokens are sealed with, as `LoadedKeys.lines`; undefined: there are no keys. */
  readonly sessionKeys?: readonly string[] | undefined;
}

/** Primary to worker. Handled in order, except for `stats` and `drain`, which do not wait for a compilation. */
export type WorkerCommand =
  | { readonly kind: "start"; readonly settings: WorkerSettings }
  /** A piece of a delta as text; several of them make one. */
  | { readonly kind: "delta-part"; readonly text: string }
  /** All parts are there: apply them to the snapshot of version `base` and compile the result. */
  | { readonly kind: "prepare"; readonly base: number; readonly version: number }
  | { readonly kind: "commit"; readonly version: number }
  /** Comes with a handle. A bind point may have several sockets, by number. */
  | { readonly kind: "listen"; readonly bindKey: string; readonly number: number }
  /** Another worker accepts on that socket; the clients that came through it stay. */
  | { readonly kind: "release"; readonly bindKey: string; readonly number: number }
  | { readonly kind: "unlisten"; readonly bindKey: string }
  /** From now on, TLS session tickets are sealed with these. */
  | { readonly kind: "ticket-keys"; readonly ticketKeys: string }
  /** From now on, session tokens are sealed and opened with these. */
  | { readonly kind: "session-keys"; readonly sessionKeys: readonly string[] }
  /** The file has been renamed: lines go to a new one of the old name. */
  | { readonly kind: "reopen-access-log" }
  | { readonly kind: "stats" }
  | { readonly kind: "drain"; readonly timeoutMs: number };

/** The worker answers every request by its number, with what `WorkerCommand` asked for or with an error's text. */
export interface WorkerRequest {
  readonly id: number;
  readonly command: WorkerCommand;
}

export type WorkerReply =
  | { readonly id: number; readonly samples?: readonly MetricSample[] }
  | { readonly id: number; readonly error: string; readonly code?: string };

/** What a worker tells the primary unasked; nobody answers. */
export type WorkerNotice =
  /** How endpoints answered since the last notice. */
  { readonly notice: "observations"; readonly observations: readonly Observation[] };

/** Worker to primary. */
export type WorkerMessage = WorkerReply | WorkerNotice;
