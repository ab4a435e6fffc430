// What the benchmark asks of a row: a measurement of one proxy, and how its figures read.
import type { CertificateKind } from "./certificate.ts";
import type { Affinity } from "./peer.ts";
import type { RunningPeer } from "./running-peer.ts";

/** Figures of one measurement by name; medians are taken name by name. */
export type Figures = Readonly<Record<string, number>>;

export type Origin = "plain" | "upload" | "websocket";

export interface RowRun {
  /** Starts the proxy with the affinity and the routes; it ends with the measurement. */
  start(options?: {
    readonly affinity?: Affinity;
    readonly hostnames?: readonly string[];
    /** Clients speak TLS 1.3 with a certificate of this kind; absent: plain HTTP. */
    readonly tls?: CertificateKind;
    /** More than one have both cores to themselves and whatever loads them; 1 if not given. */
    readonly workers?: number;
  }): Promise<RunningPeer>;
  /** Length of one measurement under load. */
  readonly seconds: number;
}

export interface Row {
  /** For `--rows`. */
  readonly name: string;
  /** Heads the row of the table, with the unit. */
  readonly title: string;
  readonly origin: Origin;
  /** Figures that make up the cell, in this order, with their digits behind the point. */
  readonly cell: readonly (readonly [figure: string, digits: number])[];
  /** A bare server stands beside the proxies. */
  readonly bareServer?: "tcp" | "tls";
  /** Names of the proxies that it can be measured with; absent: all. */
  readonly only?: readonly string[];
  measure(run: RowRun): Promise<Figures>;
}
