// What became of a request in the data plane, in the words of the pure folders: what an explanation starts from.
import type { Client, Decision } from "../affinity/decision.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { SessionKeys } from "../affinity/token/session-keys.ts";
import type { Endpoint, Listener, RequestHead, Route, TlsRoute } from "../model/index.ts";
import type { RouteMiss, RouteResult } from "../routing/match-result.ts";

/** Where the client came in. */
export interface Entrance {
  /** Bind point: `8080`, `10.0.0.1:8080`. */
  readonly bind: string;
  /** Everything that is behind it. */
  readonly listeners: readonly Listener[];
  /** Of the whole snapshot, in order of precedence. */
  readonly routes: readonly Route[];
  readonly tls: boolean;
}

/** A request as an endpoint gets it. Fields are flat: name, value. */
export interface SentHead {
  readonly endpoint: Endpoint;
  /** It was told to refuse. */
  readonly refused: boolean;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Names of the client's fields that are taken out or replaced. */
  readonly dropped: readonly string[];
  readonly added: readonly string[];
}

/** What the gateway answers by itself. */
export interface OwnAnswer {
  /** null: the connection is closed without a response. */
  readonly status: number | null;
  /** As in the log and in docs/errors.md; null: it is no error (a redirect, a preflight). */
  readonly code: string | null;
  readonly text: string;
  /** Flat. */
  readonly fields: readonly string[];
}

/** How a request went through the stages, each of which was asked itself. */
export interface Course {
  readonly entrance: Entrance;
  /** Undefined: no request came of it. */
  readonly head: RequestHead | undefined;
  /** Path and query, dot segments resolved; undefined: they cannot be. */
  readonly path: string | undefined;
  readonly client: Client;
  /** Wall clock, whole unix seconds. */
  readonly nowSec: number;
  readonly keys: SessionKeys | undefined;
  /** Undefined: it did not come so far. */
  readonly match: RouteResult | RouteMiss | undefined;
  /** In place of a match: the connection is passed through by its server name. */
  readonly passed: { readonly listener: Listener; readonly route: TlsRoute | undefined } | undefined;
  /** Undefined: it was not decided about. */
  readonly plan: RulePlan | undefined;
  readonly decision: Decision | undefined;
  /** Undefined: an endpoint answers. */
  readonly answer: OwnAnswer | undefined;
  readonly attempts: readonly SentHead[];
  readonly mirrors: readonly SentHead[];
  /** What the gateway adds to an endpoint's response; flat. */
  readonly responseFields: readonly string[];
}
