// What all exchanges of a worker share.
import type { BackendStates } from "../affinity/backend-states.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import type { AccessLog } from "./access-log.ts";
import type { Alarms } from "./alarms.ts";
import type { ClientIdentity } from "./client-identity.ts";
import type { Clock } from "./clock.ts";
import type { EndpointObserver } from "./endpoint-observer.ts";
import type { KeptBytes } from "./kept-body.ts";
import type { DataplaneOptions } from "./options.ts";
import type { RequestIds } from "./request-id.ts";
import type { RetryAllowances } from "./retry-allowance.ts";
import type { TableBuilds } from "./table-builds.ts";
import type { Tracing } from "./tracing.ts";
import type { Traffic } from "./traffic.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

/** Looks at something a few times a second, so that it can notice that it waited for too long. */
export interface Sweep {
  add(swept: { sweep(nowMs: number): void }): void;
  delete(swept: { sweep(nowMs: number): void }): void;
  /** At the last look more bytes waited in memory than may. */
  readonly overloaded: boolean;
}

/** Told of defects of the gateway itself, which clients learn nothing about, and of what only those ask who look for it. */
export interface DefectLogger {
  error(details: { readonly err: unknown }, message: string): void;
  /** What an operator has to look after. */
  warn(details: object, message: string): void;
  debug(details: object, message: string): void;
}

export interface ExchangeContext {
  readonly options: DataplaneOptions;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly identity: ClientIdentity;
  readonly requestIds: RequestIds;
  readonly pool: UpstreamPool;
  readonly tables: TableBuilds;
  readonly traffic: Traffic;
  readonly accessLog: AccessLog;
  readonly logger: DefectLogger;
  readonly sweep: Sweep;
  readonly alarms: Alarms;
  readonly observer: EndpointObserver;
  readonly retries: RetryAllowances;
  /** Memory for bodies that may have to be sent again. */
  readonly keptBytes: KeptBytes;
  /** Undefined: nobody follows requests. */
  readonly tracing?: Tracing | undefined;
  /** Of the snapshot that is served now; undefined: there is one only. */
  backends?: BackendStates;
  /** What seals and opens session tokens from the next request on; undefined: nothing does. */
  sessionKeys?: SessionKeys | undefined;
}
