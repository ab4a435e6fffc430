// Looks for a session in a request and for the endpoint that its token names.
import type { RequestHead, SessionPersistence } from "../model/index.ts";
import type { DecideOptions, EndpointState, SessionOutcome } from "./decision.ts";
import type { PlannedReference } from "./plan.ts";
import type { FollowRules } from "./serving.ts";
import { isDrained, isExpired, tokenFormat, tokenTexts } from "./session.ts";
import type { Token } from "./token/token.ts";

/** Why a well-formed token is not followed: no such endpoint, its health, its time to drain, or it failed this very request. */
export type Loss = "gone" | "unhealthy" | "drained" | "tried";

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
  };
  const format = tokenFormat(session);
  for (const text of tokenTexts(session, request)) {
    if (text === "") continue;
    const token = format.decode(text);
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
  let lost: EndpointState | undefined;
  let loss: Loss = "gone";
  for (const reference of references) {
    const endpoint = reference.backend?.byAddress.get(token.address);
    if (endpoint === undefined) continue;
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
  }
  return false;
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
