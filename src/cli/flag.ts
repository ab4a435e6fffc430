// What a flag is, and the kinds of values that flags take.

import { parseLogFormat } from "../dataplane/access-format.ts";
import type { ErrorCode } from "../dataplane/respond.ts";
import {
  parseAdminUrl,
  parseChoice,
  parseCount,
  parseDuration,
  parseEndpointAddress,
  parseIpAddress,
  parseNetworks,
  parseSize,
  parseSocketAddresses,
  parseTime,
  parseTimeout,
  parseWorkers,
} from "./flag-values.ts";

/** How a kind of value is named in `--help`, and read. */
export interface ValueKind<T> {
  readonly placeholder: string;
  readonly parse: (text: string) => T;
}

export const DURATION: ValueKind<number> = { placeholder: "DURATION", parse: parseDuration };
export const TIMEOUT: ValueKind<number> = { placeholder: "DURATION", parse: parseTimeout };
export const SIZE: ValueKind<number> = { placeholder: "SIZE", parse: parseSize };
export const TIME: ValueKind<number> = { placeholder: "TIME", parse: parseTime };
export const TEXT: ValueKind<string> = { placeholder: "TEXT", parse: (text) => text };
export const IP_ADDRESS: ValueKind<string> = { placeholder: "IP", parse: parseIpAddress };
export const NETWORKS = { placeholder: "CIDR,...", parse: parseNetworks } satisfies ValueKind<
  readonly string[]
>;

export const SOCKET_ADDRESSES = {
  placeholder: "IP[:PORT],...",
  parse: parseSocketAddresses,
} satisfies ValueKind<readonly string[]>;

/** Checked here, and read again by the workers that write it. */
export const LOG_FORMAT: ValueKind<string> = {
  placeholder: "json|FORMAT",
  parse: (text) => {
    parseLogFormat(text);
    return text;
  },
};

export const ENDPOINT_ADDRESS: ValueKind<string> = {
  placeholder: "IP:PORT",
  parse: parseEndpointAddress,
};

/** The admin port of another process. */
export const ADMIN_URL: ValueKind<URL> = { placeholder: "URL", parse: parseAdminUrl };

export const WORKERS: ValueKind<number> = { placeholder: "N|cores", parse: parseWorkers };

export function count(least: number, most: number): ValueKind<number> {
  return { placeholder: "N", parse: (text) => parseCount(text, least, most) };
}

export function oneOf<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  return { placeholder: choices.join("|"), parse: (text) => parseChoice(text, choices) };
}

/** What becomes of a client past a limit; docs/limits.md is made of it. */
export interface PastLimit {
  /** Status and text are in the registry of errors; none: nobody is told. */
  readonly errors: readonly ErrorCode[];
  /** The client's connection, unless it says otherwise. */
  readonly connection: "closed" | "kept" | "the endpoint's is closed";
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
  /** Of a limit or a timeout: what happens past it. */
  readonly past?: PastLimit;
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
