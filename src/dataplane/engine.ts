// The data plane of one worker: sockets, the snapshot that is served, and the way from one snapshot to the next.
import type { Snapshot } from "../model/index.ts";
import type { AccessLog } from "./access-log.ts";
import type { Clock } from "./clock.ts";
import type { DataplaneOptions } from "./options.ts";

/** What the engine needs from the process around it. */
export interface EngineDependencies {
  readonly options: DataplaneOptions;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly accessLog: AccessLog;
}

/** A bound socket: an address to bind, or a listening handle that the primary passed on. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly handle: object };

export interface BoundSocket {
  /** `ip:port` as the kernel says. */
  readonly address: string;
  readonly port: number;
}

/** One number of the data plane; names and labels are those of the metric registry. Workers' samples are summed. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export declare class Engine {
  constructor(dependencies: EngineDependencies);
  /** Accepts clients for a bind point (`bindPoints(snapshot)[i].key`); before its snapshot is committed they get 404. */
  listen(bindKey: string, target: ListenTarget): Promise<BoundSocket>;
  /** Stops accepting on a bind point; its connections finish what they do. Unknown keys are ignored. */
  unlisten(bindKey: string): void;
  /** Compiles a snapshot beside the one that is served, in slices below 5 ms. Rejects only on a defect. */
  prepare(snapshot: Snapshot): Promise<void>;
  /** Serves the prepared snapshot of this version from the next request on. Throws if it was not prepared. */
  commit(version: number): void;
  /** Version of the snapshot that is served; 0: none yet. */
  get version(): number;
  /** Stops accepting, lets requests finish, closes what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  stats(): readonly MetricSample[];
}
