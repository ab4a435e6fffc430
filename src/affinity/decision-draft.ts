// A decision while it is made, and its reason in words, which is only put together when somebody reads it.
import type { LoadBalancer, SessionPersistence, WeightedBackend } from "../model/index.ts";
import type {
  BackendState,
  Decision,
  DecisionFailure,
  DecisionSource,
  EndpointState,
  Issue,
  PendingTable,
  SessionOutcome,
  UnwrappedField,
} from "./decision.ts";
import { type Hash64, hex64 } from "./hash64.ts";
import type { SessionVisit } from "./session-visit.ts";
import { shownAddress } from "./token/token.ts";

export class DecisionDraft implements Decision {
  endpoint: EndpointState | undefined = undefined;
  reference: WeightedBackend | undefined = undefined;
  backend: BackendState | undefined = undefined;
  source: DecisionSource | undefined = undefined;
  outcome: SessionOutcome | undefined = undefined;
  failure: DecisionFailure | undefined = undefined;
  pending: PendingTable | undefined = undefined;
  hashKeyMissing = false;
  pinned = false;
  unwrapped: UnwrappedField | undefined = undefined;
  issue: Issue | undefined = undefined;
  /** What became of the session, in detail. */
  visit: SessionVisit | undefined = undefined;
  balancer: LoadBalancer | undefined = undefined;
  /** The balancer chose where a session begins. */
  forSessions = false;
  /** Halves of the request hash, where `source` is the hash. */
  hashHigh = 0;
  hashLow = 0;

  get reason(): string {
    const session = this.sessionReason;
    const choice = this.#choiceText();
    return session === "" ? choice : choice === "" ? session : `${session}; ${choice}`;
  }

  /** The part of the reason that tells of the session; "": there is none. */
  get sessionReason(): string {
    return this.visit === undefined ? "" : sessionText(this.visit);
  }

  /** What chooses where no session does: `least request`, `Maglev`. */
  get balancing(): string {
    return balancingText(this.balancer, this.forSessions);
  }

  #choiceText(): string {
    const backend = this.backend?.backend.id ?? "the rule";
    if (this.outcome === "rejected") {
      return this.visit?.outcome === "moved"
        ? "the session may not move"
        : "no other session may take its place";
    }
    switch (this.failure?.code) {
      case undefined:
        break;
      case "invalid-backend":
        return "no weight leads to a valid backend";
      case "no-endpoints":
        return `${backend} has no endpoints`;
      default:
        return `no endpoint of ${backend} serves`;
    }
    if (this.pending !== undefined) return `the hash table of ${backend} is not built yet`;
    if (this.endpoint === undefined || this.source === "session") return "";
    const address = this.endpoint.endpoint.address;
    if (this.hashKeyMissing) return `no hash key in the request, so ${address} was drawn at random`;
    if (this.source === "hash") {
      const hash: Hash64 = { high: this.hashHigh, low: this.hashLow };
      return `request hash ${hex64(hash)} leads to ${address} by ${this.balancing}`;
    }
    return `${this.balancing} chose ${address}`;
  }
}

const BALANCER_TEXTS: Record<LoadBalancer["kind"], string> = {
  leastRequest: "least request",
  roundRobin: "round robin",
  random: "random choice",
  ringHash: "ring hash",
  maglev: "Maglev",
};

/** How a balancer is called. `forSessions`: it chooses where a session begins. */
export function balancingText(balancer: LoadBalancer | undefined, forSessions: boolean): string {
  if (balancer === undefined) return "balancing";
  const isByLoad = forSessions && balancer.kind === "leastRequest";
  return isByLoad ? "least session load" : BALANCER_TEXTS[balancer.kind];
}

const CARRIER_TEXTS: Record<SessionPersistence["carrier"]["kind"], string> = {
  cookie: "cookie",
  header: "header",
  wrappedCookie: "cookie",
  wrappedHeader: "header",
};

function carrierText({ carrier }: SessionPersistence): string {
  return `${CARRIER_TEXTS[carrier.kind]} ${carrier.name}`;
}

function sessionText({ session, outcome, token, loss, health }: SessionVisit): string {
  const address = token?.address ?? "";
  switch (outcome) {
    case "new":
      return `no token in ${carrierText(session)}`;
    case "invalid":
      return `${carrierText(session)} holds no valid token`;
    case "expired":
      return `the token in ${carrierText(session)} is past its time`;
    case "kept":
      return `the token in ${carrierText(session)} names ${address}`;
    case "moved":
      // Everywhere else it is the address of an endpoint.
      if (loss === "gone" && token !== undefined)
        return `the token names ${shownAddress(token)}, which is no endpoint of its backend`;
      if (loss === "reused") return `the token names ${address}, whose address another pod has now`;
      if (loss === "drained") {
        return `the token names ${address}, which drains for longer than the session's drain timeout of ${session.drainTimeoutSec} s`;
      }
      if (loss === "tried") return `the token names ${address}, which failed this request before`;
      return `the token names ${address}, whose health is ${health}`;
  }
}
