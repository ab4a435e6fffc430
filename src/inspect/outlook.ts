// Where a request goes, by the one decision: a certain endpoint with its runner-ups, or candidates with their shares.
import type { LiveBackend } from "../affinity/backend-states.ts";
import { decide } from "../affinity/decide.ts";
import type { Decision, EndpointState } from "../affinity/decision.ts";
import { DecisionDraft } from "../affinity/decision-draft.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { RequestHead } from "../model/index.ts";
import type { Course } from "./course.ts";
import { evenDraws } from "./even-draws.ts";
import type { Candidate } from "./explanation.ts";

/** A decision with what it was made of. */
export type DetailedDecision = DecisionDraft & { readonly backend: LiveBackend | undefined };

export interface Outlook {
  /** Of several possible ones the one that was drawn. */
  readonly decision: DetailedDecision;
  readonly endpoint: string | null;
  readonly backend: string | null;
  readonly reason: string;
  /** Empty: nothing is drawn. */
  readonly candidates: readonly Candidate[];
  readonly runnerUps: readonly string[];
}

/** So many draws are counted; with even ones a share is off by less than a percent. */
const DRAWS = 512;
const MAX_RUNNER_UPS = 3;

export function findOutlook(course: Course, plan: RulePlan, made: Decision): Outlook {
  const decision = detailed(made);
  const { head } = course;
  if (head === undefined) throw new Error("what was decided about had a head");
  const ask = new Asker(course, plan, head);
  // A retry decides past those that were tried, except for a session that may not move.
  const tried = made.pinned
    ? []
    : statesOf(
        plan,
        course.attempts.slice(0, -1).map(({ endpoint }) => endpoint.address),
      );
  const fixed = {
    decision,
    endpoint: decision.endpoint?.endpoint.address ?? null,
    backend: decision.backend?.backend.id ?? null,
    reason: decision.reason,
    candidates: [],
    runnerUps: [],
  };
  if (!ask.isDrawn(tried)) return { ...fixed, runnerUps: runnerUps(ask, decision, tried) };
  const candidates = countDraws(ask, tried);
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return fixed;
  const backends = new Set(candidates.map(({ backend }) => backend));
  const [backend = null] = backends.size === 1 ? backends : [];
  return {
    ...fixed,
    endpoint: null,
    backend,
    reason: drawnReason(decision, candidates, backend),
    candidates,
  };
}

/** Asks the one decision again, as often as it takes. */
class Asker {
  readonly #course: Course;
  readonly #plan: RulePlan;
  readonly #head: RequestHead;

  constructor(course: Course, plan: RulePlan, head: RequestHead) {
    this.#course = course;
    this.#plan = plan;
    this.#head = head;
  }

  decide(tried: readonly EndpointState[], random: () => number): Decision {
    const { client, nowSec, keys } = this.#course;
    const options = tried.length === 0 ? { nowSec, keys, random } : { nowSec, keys, random, tried };
    for (;;) {
      const decision = decide(this.#plan, this.#head, client, options);
      if (decision.pending === undefined) return decision;
      decision.pending.step(() => false);
    }
  }

  /** The decision needs a random number. */
  isDrawn(tried: readonly EndpointState[]): boolean {
    let isAsked = false;
    this.decide(tried, () => {
      isAsked = true;
      return 0.5;
    });
    return isAsked;
  }
}

/** Whom the retries of a request would go to that nobody accepts, as far as that is certain. */
function runnerUps(ask: Asker, { endpoint, pinned }: Decision, tried: readonly EndpointState[]): string[] {
  if (endpoint === undefined || pinned) return [];
  const all = [...tried, endpoint];
  const found: string[] = [];
  while (found.length < MAX_RUNNER_UPS && !ask.isDrawn(all)) {
    const next = ask.decide(all, () => 0).endpoint;
    if (next === undefined || all.includes(next)) break;
    all.push(next);
    found.push(next.endpoint.address);
  }
  return found;
}

function countDraws(ask: Asker, tried: readonly EndpointState[]): Candidate[] {
  // Endpoints belong to one backend; a decision without one is known by its backend.
  const counts = new Map<object | undefined, { readonly decision: Decision; count: number }>();
  for (let draw = 0; draw < DRAWS; draw++) {
    const decision = ask.decide(tried, evenDraws(draw));
    const key = decision.endpoint ?? decision.backend;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { decision, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()]
    .map(({ decision: { endpoint, backend }, count }) => ({
      endpoint: endpoint?.endpoint.address ?? null,
      backend: backend?.backend.id ?? null,
      share: Math.round((count / DRAWS) * 1000) / 1000,
    }))
    .sort((a, b) => b.share - a.share || compare(a.endpoint, b.endpoint));
}

function compare(a: string | null, b: string | null): number {
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function drawnReason(
  decision: DecisionDraft,
  candidates: readonly Candidate[],
  backend: string | null,
): string {
  const { sessionReason, hashKeyMissing, source, balancing } = decision;
  const among = `among ${candidates.length} endpoints of ${backend ?? "several backends"}`;
  const how =
    backend === null
      ? `backend and endpoint are drawn by weight and ${balancing} ${among}`
      : hashKeyMissing
        ? `no hash key in the request, so the endpoint is drawn at random ${among}`
        : source === "hash"
          ? `a hash cookie is generated at random, which leads by ${balancing} to one ${among}`
          : `the endpoint is drawn by ${balancing} ${among}`;
  return sessionReason === "" ? how : `${sessionReason}; ${how}`;
}

function statesOf(plan: RulePlan, addresses: readonly string[]): EndpointState[] {
  return addresses.flatMap((address) => {
    const states = plan.references.map(({ backend }) => backend?.byAddress.get(address));
    return states.filter((state) => state !== undefined).slice(0, 1);
  });
}

function detailed(decision: Decision): DetailedDecision {
  if (!(decision instanceof DecisionDraft)) throw new Error("decisions are made in drafts");
  return decision as DetailedDecision;
}
