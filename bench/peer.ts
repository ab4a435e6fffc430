// What the benchmark asks of a proxy: where its program is, its configuration, its start and its reload.
import type { ChildProcess } from "node:child_process";

/**
 * How requests find their endpoint: a hash of the header x-user, or a session cookie as the proxy writes it by itself.
 * sealed: the cookie cannot be read or forged where the proxy can do that, and is its usual one where it cannot.
 */
export type Affinity = "hash" | "cookie" | "sealed";

/** Files in PEM, for proxies that speak TLS to their clients. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
  /** Both, one after the other. */
  readonly both: string;
}

/** One configuration, the same for every proxy. */
export interface Setup {
  /** Where the proxy listens, on 127.0.0.1. */
  readonly port: number;
  /** For a proxy that is reloaded or watched through a port of its own. */
  readonly adminPort: number;
  /** Ports of the endpoints, on 127.0.0.1. */
  readonly endpoints: readonly number[];
  readonly affinity: Affinity;
  /** A route each; none: one route for every host. */
  readonly hostnames: readonly string[];
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly workers: number;
}

export type Located =
  | { readonly command: string; readonly version: string }
  /** What to do to have it. */
  | { readonly missing: string };

export interface Peer {
  readonly name: string;
  /** What a reader must know about its row; shown below the table. */
  readonly note?: string;
  /** No proxy: a bare server of this sort, for the rows that ask for it. */
  readonly bareServer?: "tcp" | "tls";
  locate(): Located;
  /** Writes the configuration into the folder, over the one that is there. */
  write(setup: Setup, folder: string): void;
  /** Arguments of the program, which must stay in the foreground. */
  args(setup: Setup, folder: string): readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the running program take over what `write` has written; absent: it watches its files. */
  reload?(setup: Setup, folder: string, child: ChildProcess): Promise<void> | void;
}

/** The header that hashes, and the cookie that keeps a session. */
export const HASH_HEADER = "x-user";
export const SESSION_COOKIE = "home";
