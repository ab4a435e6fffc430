// Looks for a session in a request and for the endpoint that its token names.
import type { EndpointHealth, EndpointIdentity, RequestHead, SessionPersistence } from "../model/index.ts";
import type { BackendState, DecideOptions, EndpointState, SessionOutcome } from "./decision.ts";
import type { PlannedReference } from "./plan.ts";
import type { FollowRules } from "./serving.ts";
import { tokenTexts } from "./session.ts";
import { isDrained, isExpired } from "./session-times.ts";
import { readToken } from "./token/session-token.ts";
import type { Token } from "./token/token.ts";

/**
 * Why a well-formed token is not followed: no such endpoint, another one at its address, its health, its time to drain,
 * or it failed this very request.
 */
export type Loss = "gone" | "reused" | "unhealthy" | "drained" | "tried";

/** What the request says about one session. */
export interface SessionVisit {
  readonly session: SessionPersistence;
  /** `moved` stands for `rejected` too: the caller knows whether the session may move. */
  outcome: Exclude<SessionOutcome, "rejected">;
  /** The token that decided: `kept` or `moved`. */
  token: Token | undefined;
  /** Where it leads, or would lead. */
  endpoint: EndpointState | undefined;
  reference: PlannedReference | undefined;
  loss: Loss | undefined;
  /** Of `endpoint` when it was lost; it may be another by the time that somebody reads the reason. */
  health: EndpointHealth | undefined;
}

/**
 * Tries every token that the request has; the first that leads to a usable endpoint of the references is kept.
 * Where none does, the outcome tells of the best one: lost, else expired, else invalid.
 */
export function visitSession(
  session: SessionPersistence,
  references: readonly PlannedReference[],
  request: RequestHead,
  options: DecideOptions,
  follow: FollowRules,
): SessionVisit {
  const visit: SessionVisit = {
    session,
    outcome: "new",
    token: undefined,
    endpoint: undefined,
    reference: undefined,
    loss: undefined,
    health: undefined,
  };
  for (const text of tokenTexts(session, request)) {
    if (text === "") continue;
    const token = readToken(session, text, options.keys, options.nowSec);
    if (token === undefined) {
      if (visit.outcome === "new") visit.outcome = "invalid";
    } else if (isExpired(session, token, options.nowSec)) {
      if (visit.outcome !== "moved") visit.outcome = "expired";
    } else if (followToken(visit, token, references, options, follow)) {
      return visit;
    }
  }
  return visit;
}

/** True: the token leads to a usable endpoint. Of several lost tokens the first one is told of. */
function followToken(
  visit: SessionVisit,
  token: Token,
  references: readonly PlannedReference[],
  options: DecideOptions,
  follow: FollowRules,
): boolean {
  const rules = visit.session.token;
  const by = rules.format === "sealed" ? rules.identity : "address";
  let lost: EndpointState | undefined;
  let loss: Loss = "gone";
  for (const reference of homeFirst(references, token)) {
    const { backend } = reference;
    if (backend === undefined) continue;
    const endpoint = endpointOf(token, backend, by);
    if (endpoint === undefined) {
      if (loss === "gone" && backend.byAddress.has(token.address)) loss = "reused";
      continue;
    }
    const obstacle = obstacleTo(endpoint, reference, visit.session, options, follow);
    if (obstacle === undefined) {
      visit.outcome = "kept";
      visit.token = token;
      visit.endpoint = endpoint;
      visit.reference = reference;
      visit.loss = undefined;
      return true;
    }
    lost = endpoint;
    loss = obstacle;
  }
  if (visit.outcome !== "moved") {
    visit.outcome = "moved";
    visit.token = token;
    visit.endpoint = lost;
    visit.loss = loss;
    visit.health = lost?.endpoint.health;
  }
  return false;
}

/** Backends can share endpoints: the one that the token was issued for goes first. */
function homeFirst(
  references: readonly PlannedReference[],
  { backendMark }: Token,
): readonly PlannedReference[] {
  if (backendMark === undefined || references.length === 1) return references;
  const home = references.find(({ mark }) => mark === backendMark);
  return home === undefined || home === references[0]
    ? references
    : [home, ...references.filter((reference) => reference !== home)];
}

/** Undefined: whom the token means is no endpoint of the backend, whoever may have its address now. */
function endpointOf(
  { address, identity }: Token,
  { byAddress, endpoints }: BackendState,
  by: EndpointIdentity,
): EndpointState | undefined {
  const there = byAddress.get(address);
  if (identity === undefined || by === "address") return there;
  if (there?.endpoint[identity.kind] === identity.value) return there;
  return identity.kind === "hostname" ? onlyOneCalled(identity.value, endpoints) : undefined;
}

/** A host can have several addresses, but a name that several hosts share, as of a DNS record, is nobody's. */
function onlyOneCalled(hostname: string, endpoints: readonly EndpointState[]): EndpointState | undefined {
  let found: EndpointState | undefined;
  for (const state of endpoints) {
    const { endpoint } = state;
    if (endpoint.hostname !== hostname) continue;
    if (found !== undefined && (endpoint.uid === undefined || endpoint.uid !== found.endpoint.uid))
      return undefined;
    found ??= state;
  }
  return found;
}

function obstacleTo(
  state: EndpointState,
  { backend }: PlannedReference,
  session: SessionPersistence,
  { tried, nowSec }: DecideOptions,
  follow: FollowRules,
): Loss | undefined {
  if (tried?.includes(state)) return "tried";
  const { endpoint } = state;
  if (follow.health.has(endpoint.health)) {
    // Where nobody else serves, there is no better place.
    return isDrained(endpoint, session, nowSec) && !backend?.serving.onlyDraining ? "drained" : undefined;
  }
  return follow.panicIgnoresHealth && backend?.serving.panic ? undefined : "unhealthy";
}
