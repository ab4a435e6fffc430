// The one decision: which endpoint a request goes to, and why. Data plane, explain and simulate all ask here.
import type { RequestHead } from "../model/index.ts";
import type { LiveBackend } from "./backend-states.ts";
import type { Client, DecideOptions, Decision, DecisionFailure, GeneratedCookie } from "./decision.ts";
import { DecisionDraft } from "./decision-draft.ts";
import { hashRequest } from "./hash-policy.ts";
import { type Hash64, remainder64 } from "./hash64.ts";
import { pickUntried } from "./lookup.ts";
import { type PlannedReference, type RulePlan, weightedIndex } from "./plan.ts";
import { appliesTo } from "./session.ts";
import { issueFor } from "./session-issue.ts";
import { type SessionVisit, visitSession } from "./session-visit.ts";
import { unwrappedField } from "./wrapped-session.ts";

export { sessionFields } from "./session-fields.ts";

const INVALID_BACKEND: DecisionFailure = { code: "invalid-backend", status: 500 };
const NO_ENDPOINTS: DecisionFailure = { code: "no-endpoints", status: 503 };
const NO_HEALTHY_ENDPOINT: DecisionFailure = { code: "no-healthy-endpoint", status: 503 };

/** One request's question; decisions are synchronous, so one object serves all of them. */
class Question {
  plan!: RulePlan;
  request!: RequestHead;
  client!: Client;
  options!: DecideOptions;
  readonly hash: Hash64 = { high: 0, low: 0 };
  readonly generated: GeneratedCookie[] = [];
  /** The policies that `hash` was computed by, and whether they found a key. */
  hashedBy: PlannedReference["hashPolicies"] = undefined;
  hasHash = false;
}

const question = new Question();

/**
 * Decides synchronously: the session's endpoint if its token can be followed, else the hash's, else the balancer's.
 * `pending` set: run its `step` to the end and decide again. After a failed attempt decide again with `tried`.
 */
export function decide(
  plan: RulePlan,
  request: RequestHead,
  client: Client,
  options: DecideOptions,
): Decision {
  question.plan = plan;
  question.request = request;
  question.client = client;
  question.options = options;
  question.generated.length = 0;
  question.hashedBy = undefined;
  return answer(question, new DecisionDraft());
}

function answer(ask: Question, draft: DecisionDraft): Decision {
  const { plan, request, options } = ask;
  const free = visitFreeSessions(ask);
  const decisive = free?.find(isDecisive);
  if (decisive !== undefined) return settle(ask, draft, decisive);

  const reference = chooseReference(ask);
  const backend = reference?.backend;
  draft.reference = reference?.reference;
  draft.backend = backend;
  if (reference === undefined || backend === undefined) return fail(draft, INVALID_BACKEND);

  const { session } = reference;
  if (session?.split === "session") {
    draft.visit = free?.find((visit) => visit.session === session);
  } else if (session !== undefined && appliesTo(session, request.path)) {
    draft.visit = visitSession(session, [reference], request, options, plan.follow);
    if (isDecisive(draft.visit)) return settle(ask, draft, draft.visit);
  }
  draft.outcome = draft.visit?.outcome;
  draft.unwrapped = unwrappedField(draft.visit, request);

  if (backend.endpoints.length === 0) return fail(draft, NO_ENDPOINTS);
  if (backend.serving.endpoints.length === 0) return fail(draft, NO_HEALTHY_ENDPOINT);
  chooseEndpoint(ask, draft, reference, backend);
  if (draft.pending === undefined) draft.issue = issueFor(draft.visit, options, ask.generated);
  return draft;
}

/** Sessions that win over the weights; stops at the first that is kept. */
function visitFreeSessions({ plan, request, options }: Question): SessionVisit[] | undefined {
  let visits: SessionVisit[] | undefined;
  for (const { session, references } of plan.freeSessions) {
    if (!appliesTo(session, request.path)) continue;
    const visit = visitSession(session, references, request, options, plan.follow);
    if (visit.outcome === "kept") return [visit];
    visits ??= [];
    visits.push(visit);
  }
  return visits;
}

/** Kept, or lost without leave to move or to begin anew: no balancing can change that. */
function isDecisive({ outcome, session: { onLost } }: SessionVisit): boolean {
  if (outcome === "kept") return true;
  if (onLost.action === "reassign" || outcome === "new") return false;
  return outcome === "moved" || onLost.withoutSession === true;
}

function settle(ask: Question, draft: DecisionDraft, visit: SessionVisit): Decision {
  const { session, reference } = visit;
  draft.visit = visit;
  draft.pinned = session.onLost.action === "reject";
  if (visit.outcome === "kept") {
    draft.outcome = "kept";
    draft.source = "session";
    draft.endpoint = visit.endpoint;
    draft.reference = reference?.reference;
    draft.backend = reference?.backend;
    draft.issue = issueFor(visit, ask.options, ask.generated);
    draft.unwrapped = unwrappedField(visit, ask.request);
    return draft;
  }
  const configured = session.onLost.action === "reject" ? session.onLost.status : 503;
  const status = visit.loss === "unhealthy" ? (ask.plan.follow.unhealthyStatus ?? configured) : configured;
  draft.outcome = "rejected";
  return fail(draft, { code: "session-rejected", status });
}

function fail(draft: DecisionDraft, failure: DecisionFailure): Decision {
  draft.failure = failure;
  return draft;
}

/** By weight, drawn or by hash. Undefined: no reference may get a new session. */
function chooseReference(ask: Question): PlannedReference | undefined {
  const { references, weights, totalWeight, rule } = ask.plan;
  if (totalWeight === 0) return undefined;
  if (references.length === 1) return references[0];
  const value =
    rule.splitByHash && computeHash(ask, rule.hashPolicies)
      ? remainder64(ask.hash.high, ask.hash.low, totalWeight)
      : Math.floor(ask.options.random() * totalWeight);
  return references[weightedIndex(weights, value)];
}

function chooseEndpoint(
  ask: Question,
  draft: DecisionDraft,
  reference: PlannedReference,
  backend: LiveBackend,
): void {
  const { random, tried } = ask.options;
  let lookup = reference.lookupIn(backend);
  draft.source = "balance";
  draft.balancer = reference.balancer;
  draft.forSessions = reference.session !== undefined;
  if (reference.hashPolicies !== undefined) {
    if (computeHash(ask, reference.hashPolicies)) {
      draft.source = "hash";
      draft.hashHigh = ask.hash.high;
      draft.hashLow = ask.hash.low;
    } else {
      draft.hashKeyMissing = true;
      lookup = backend.random;
    }
  }
  draft.pending = lookup.pending;
  if (draft.pending !== undefined) return;
  draft.endpoint = pickUntried(lookup, backend.serving.endpoints, ask.hash, random, tried);
}

/** Computes the hash once, where the split and the endpoint go by the same policies. */
function computeHash(ask: Question, policies: NonNullable<PlannedReference["hashPolicies"]>): boolean {
  if (ask.hashedBy !== policies) {
    ask.hashedBy = policies;
    const { request, client, options } = ask;
    ask.hasHash = hashRequest(policies, request, client, options.random, ask.generated, ask.hash);
  }
  return ask.hasHash;
}
