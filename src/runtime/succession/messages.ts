// What a process and the one that takes its place say to each other over their channel.
import type { DrainTime } from "../drains.ts";

/** Old to new. Handles come one a message, because a message carries one at most. */
export type LegacyMessage =
  /** Comes with the handle: one of a bind point's sockets, in the order of their numbers. */
  | { readonly kind: "socket"; readonly bindKey: string }
  /** Comes with the handle of the admin port. */
  | { readonly kind: "admin" }
  /** Everything has been said. */
  | { readonly kind: "complete"; readonly ticketKeys: string; readonly drains: readonly DrainTime[] };

/** New to old: it serves, so the old one may leave. */
export interface ServingMessage {
  readonly kind: "serving";
}

/** What a gateway leaves to its successor. */
export interface Legacy {
  /** Listening handles by bind key. */
  readonly sockets: ReadonlyMap<string, readonly object[]>;
  /** The admin port's handle; undefined: it is off. */
  readonly admin: object | undefined;
  /** What TLS session tickets are sealed with, so that the sessions of clients go on. */
  readonly ticketKeys: string;
  /** Operators' words about endpoints, and since when others drain. */
  readonly drains: readonly DrainTime[];
}

/** Set for a process that takes another's place. */
export const SUCCESSOR_VARIABLE = "LIMPET_SUCCESSOR";
