// The shapes around the one decision: what it is asked with, what it answers, and the live state that it reads.
import type { Backend, Endpoint, HeaderField, SessionPersistence, WeightedBackend } from "../model/index.ts";
import type { SessionLoad } from "./session-load.ts";
import type { SetCookie } from "./set-cookie.ts";
import type { SessionKeys } from "./token/session-keys.ts";

/** The words for what became of a session, in logs, metrics, commands and documents alike. */
export const SESSION_OUTCOMES = ["new", "kept", "expired", "invalid", "moved", "rejected"] as const;

/** Exactly one a request; undefined on a Decision: the rule keeps no sessions. */
export type SessionOutcome = (typeof SESSION_OUTCOMES)[number];

/** What chose the endpoint. */
export type DecisionSource = "session" | "hash" | "balance";

/** Who is asking. Addresses are canonical text. */
export interface Client {
  /** TCP peer, `ip:port`: what a generated hash cookie is made of. */
  readonly peerAddress: string;
  /** Local end of the connection, `ip:port`. */
  readonly localAddress: string;
  /** The client's IP without port, after the trust rules. */
  readonly ip: string;
  /** The peer is a trusted proxy: one of its connections carries many users. */
  readonly peerIsProxy: boolean;
}

/** What a decision needs beside the request: clock, randomness, and what this request has been through. */
export interface DecideOptions {
  /** Wall clock, whole unix seconds. */
  readonly nowSec: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Endpoints that this request tried in vain, oldest first; absent on the first attempt. */
  readonly tried?: readonly EndpointState[];
  /** What sealed tokens are opened with; absent: none opens. */
  readonly keys?: SessionKeys | undefined;
}

/** An endpoint with what this process knows of it; outlives snapshots as long as the address stays. */
export interface EndpointState {
  readonly endpoint: Endpoint;
  /** Requests in flight, counted by the caller from this process alone. */
  active: number;
  /** Requests of sessions, counted by the caller too. */
  readonly sessions: SessionLoad;
}

/** A backend with its live endpoints, in the order of `backend.endpoints`. */
export interface BackendState {
  readonly backend: Backend;
  readonly endpoints: readonly EndpointState[];
  readonly byAddress: ReadonlyMap<string, EndpointState>;
}

/** A hash table that is not built yet: the caller runs `step` between other work until it is true, then decides again. */
export interface PendingTable {
  /** Builds until the table is ready (true) or `shouldYield`, asked every few microseconds of work, says stop (false). */
  step(shouldYield: () => boolean): boolean;
}

/** Why there is no endpoint. `status` is what the client gets. */
export interface DecisionFailure {
  readonly code: "invalid-backend" | "no-endpoints" | "no-healthy-endpoint" | "session-rejected";
  readonly status: number;
}

export interface Decision {
  /** The chosen endpoint; undefined: see `failure` or `pending`. */
  readonly endpoint: EndpointState | undefined;
  /** The backendRef that was chosen, for its filters. */
  readonly reference: WeightedBackend | undefined;
  readonly backend: BackendState | undefined;
  readonly source: DecisionSource | undefined;
  readonly outcome: SessionOutcome | undefined;
  /** One sentence for the log and for `explain`. */
  readonly reason: string;
  readonly failure: DecisionFailure | undefined;
  readonly pending: PendingTable | undefined;
  /** The request had no hash key although the balancer hashes: counted in a metric. */
  readonly hashKeyMissing: boolean;
  /** True when retries must stay on this endpoint (`onLost: reject`). */
  readonly pinned: boolean;
  /** Undefined: the request goes upstream with what the client sent. */
  readonly unwrapped: UnwrappedField | undefined;
  /** Undefined: the response carries nothing of ours. */
  readonly issue: Issue | undefined;
}

/** A hash cookie that was generated for this request, as its `Set-Cookie` field will say. */
export type GeneratedCookie = SetCookie;

/** What the endpoint gets in place of what the client sent, where the session wraps the application's own. */
export interface UnwrappedField {
  readonly kind: "header" | "cookie";
  readonly name: string;
  /** The application's own value, in place of all fields or cookies of that name; undefined: they are taken out. */
  readonly value: string | undefined;
}

/** What is due to the client once the endpoint has answered; `sessionFields` turns it into fields. */
export interface Issue {
  /**
   * A new or renewed token for this session; undefined: none. One that wraps the application's own is here with every
   * decision for it, kept or new: any response may set the application's value, and each of them is wrapped anew.
   */
  readonly session: SessionPersistence | undefined;
  /** When the session began, unix seconds; undefined: with the response. */
  readonly begunSec: number | undefined;
  /** When it ends for good, unix seconds; undefined: what the absolute timeout says. */
  readonly expiresSec: number | undefined;
  /** The session was seen then, unix seconds, by a clock that may be ahead; undefined: not before the response. */
  readonly lastSeenSec: number | undefined;
  readonly cookies: readonly GeneratedCookie[];
}

/** What the response of an endpoint that answered must carry: `set` replaces a field, `add` appends one. */
export interface SessionFields {
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
}
