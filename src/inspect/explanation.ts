// What `limpet explain` answers: plain data, the same for files and for a running gateway.
import type { DecisionSource, SessionOutcome } from "../affinity/decision.ts";
import type { EndpointHealth, RouteMatch } from "../model/index.ts";
import type { NearMiss } from "../routing/near-misses.ts";
import type { OwnAnswer } from "./course.ts";

/** Fields that do not apply are null, lists are empty. */
export interface Explanation {
  /** `ip:port`; null: no endpoint gets the request, or it is drawn: then `candidates` has them. */
  readonly endpoint: string | null;
  readonly backend: string | null;
  /** What chose the endpoint. */
  readonly source: DecisionSource | null;
  /** What becomes of the session; null: the rule keeps none. */
  readonly outcome: SessionOutcome | null;
  /** Why, in one sentence, as the access log has it. */
  readonly reason: string;
  /** What the gateway answers by itself; null: an endpoint does. */
  readonly answer: OwnAnswer | null;
  /** Where it may go, if that is drawn anew for every request; the most likely first. */
  readonly candidates: readonly Candidate[];
  readonly stages: Stages;
}

export interface Candidate {
  /** null: this share of the weight leads to no endpoint. */
  readonly endpoint: string | null;
  readonly backend: string | null;
  /** Of all such requests, from 0 to 1. */
  readonly share: number;
}

/** Those that the request did not reach are null. */
export interface Stages {
  readonly listener: ListenerStage;
  readonly route: RouteStage | null;
  readonly rule: RuleStage | null;
  readonly affinity: AffinityStage | null;
  readonly endpoint: EndpointStage | null;
  readonly exchange: ExchangeStage | null;
}

/** What nearly matched, the nearest first. */
export interface NearMisses {
  readonly first: readonly NearMiss[];
  /** So many more. */
  readonly leftOff: number;
}

export interface ListenerStage {
  readonly bind: string;
  /** Listener id; null: none took the host. */
  readonly name: string | null;
  readonly hostname: string | null;
  readonly protocol: string | null;
  readonly client: string;
  readonly nearMisses: NearMisses;
}

export interface RouteStage {
  /** Route id; null: none has a rule for the request. */
  readonly name: string | null;
  readonly nearMisses: NearMisses;
}

export interface RuleStage {
  /** null: no rule holds. */
  readonly name: string | null;
  readonly index: number | null;
  /** Those of its matches that hold. */
  readonly matches: readonly RouteMatch[];
  /** One a filter, in words and in order. */
  readonly filters: readonly string[];
  readonly nearMisses: NearMisses;
}

export interface AffinityStage {
  /** Sessions that were looked for, in their order. */
  readonly sessions: readonly SessionReport[];
  /** null: there is one backend. */
  readonly split: SplitReport | null;
  /** null: nothing hashes. */
  readonly hash: HashReport | null;
}

export interface SessionReport {
  /** `cookie home`. */
  readonly carrier: string;
  readonly scope: string;
  /** Which object says so; null: it is not known. */
  readonly declaredBy: string | null;
  readonly overrides: readonly string[];
  readonly split: "session" | "weight";
  readonly onLost: string;
  readonly absoluteTimeoutSec: number | null;
  readonly idleTimeoutSec: number | null;
  /** In the order of the request. */
  readonly tokens: readonly TokenReport[];
}

export interface TokenReport {
  /** `envoy`, `sealed`; null: it does not open. */
  readonly format: string | null;
  /** First bytes of the digest of the key that opened it, in hex. */
  readonly keyId: string | null;
  readonly endpoint: string | null;
  /** The uid or hostname that the endpoint has to have. */
  readonly identity: string | null;
  /** RFC 3339. */
  readonly begunAt: string | null;
  readonly lastSeenAt: string | null;
  readonly endsAt: string | null;
  /** Since it began. */
  readonly ageSec: number | null;
  /** Until its absolute or idle timeout, whichever comes first; negative: past it. */
  readonly leftSec: number | null;
  /** What is wrong with it or follows from it, in words. */
  readonly verdict: string;
}

export interface SplitReport {
  /** What decides among the backends of the rule. */
  readonly by: "session" | "hash" | "draw";
  /** In [0, total), where it is by hash. */
  readonly value: number | null;
  readonly total: number;
  /** `from` and `to` are the part of [0, total) that leads to it; `to` is not in it. */
  readonly backends: readonly {
    readonly backend: string | null;
    readonly weight: number;
    readonly from: number;
    readonly to: number;
  }[];
}

export interface HashReport {
  readonly policies: readonly PolicyReport[];
  /** 16 hex digits; null: no policy found its key, so that the endpoint is drawn. */
  readonly combined: string | null;
}

export interface PolicyReport {
  /** `header x-user`, `cookie room`, `source IP`, `query parameter room`. */
  readonly key: string;
  readonly terminal: boolean;
  /** The bytes that are hashed, one after the other, with bytes that do not print as \xNN; empty: the key is missing. */
  readonly inputs: readonly string[];
  /** Of this policy alone; null: the key is missing, or an earlier policy was terminal. */
  readonly hash: string | null;
  /** The cookie is not there, and is generated. */
  readonly generated: boolean;
  /** An earlier policy ended it. */
  readonly skipped: boolean;
}

export interface EndpointStage {
  readonly backend: string;
  readonly balancer: string;
  /** Too few serve, so that health is ignored. */
  readonly panic: boolean;
  readonly endpoints: readonly EndpointReport[];
  /** Where the request goes if the endpoint refuses it, one after the other; empty where that is drawn or may not be. */
  readonly runnerUps: readonly string[];
  /** A retry stays on the endpoint. */
  readonly pinned: boolean;
}

export interface EndpointReport {
  readonly address: string;
  readonly health: EndpointHealth;
  readonly weight: number;
  /** New sessions may come to it; not to one that drains, or has only just arrived. */
  readonly serves: boolean;
  readonly hostname: string | null;
}

export interface ExchangeStage {
  readonly attempts: readonly SentReport[];
  readonly mirrors: readonly SentReport[];
  /** `name: value` of what the gateway adds to the endpoint's response; tokens are left out. */
  readonly response: readonly string[];
  /** In words: timeouts and retries of the rule. */
  readonly limits: readonly string[];
}

export interface SentReport {
  readonly endpoint: string;
  readonly refused: boolean;
  /** `GET /cart`. */
  readonly request: string;
  readonly host: string;
  readonly dropped: readonly string[];
  /** `name: value`. */
  readonly added: readonly string[];
}
