// Explains one request: what every stage found, what nearly matched, and why it goes where it goes.
import { balancingText } from "../affinity/decision-draft.ts";
import type { RulePlan } from "../affinity/plan.ts";
import type { Course } from "./course.ts";
import { explainAffinity } from "./explain-affinity.ts";
import { explainExchange } from "./explain-exchange.ts";
import { explainListener, explainRoute, explainRule } from "./explain-match.ts";
import type { EndpointStage, Explanation } from "./explanation.ts";
import { findOutlook, type Outlook } from "./outlook.ts";

/**
 * What the data plane did with a request, told in full. Where a choice is drawn anew for every request, the explanation
 * says among whom and with which shares, in place of one that it would have drawn.
 */
export function explain(course: Course): Explanation {
  const { plan, decision, answer } = course;
  const outlook =
    plan === undefined || decision === undefined ? undefined : findOutlook(course, plan, decision);
  const isDrawn = outlook !== undefined && outlook.candidates.length > 0;
  // An error that one draw leads to is the share of a candidate, and no answer to the request.
  const isAnswered =
    !isDrawn || outlook.candidates.every(({ endpoint }) => endpoint === null) || answer?.code === null;
  return {
    endpoint: outlook?.endpoint ?? null,
    backend: outlook?.backend ?? null,
    source: decision?.source ?? null,
    outcome: decision?.outcome ?? null,
    reason: outlook?.reason ?? answer?.text ?? "",
    answer: isAnswered ? (answer ?? null) : null,
    candidates: outlook?.candidates ?? [],
    stages: {
      listener: explainListener(course),
      route: explainRoute(course),
      rule: explainRule(course),
      affinity: outlook === undefined || plan === undefined ? null : explainAffinity(course, plan, outlook),
      endpoint: outlook === undefined || plan === undefined ? null : explainEndpoint(plan, outlook),
      exchange: course.attempts.length === 0 ? null : explainExchange(course),
    },
  };
}

function explainEndpoint(plan: RulePlan, { decision, runnerUps }: Outlook): EndpointStage | null {
  const { backend, pinned } = decision;
  if (backend === undefined) return null;
  const planned = plan.references.find(({ reference }) => reference === decision.reference);
  const { serving } = backend;
  return {
    backend: backend.backend.id,
    balancer: balancingText(planned?.balancer, planned?.session !== undefined),
    panic: serving.panic,
    endpoints: backend.endpoints.map((state) => ({
      address: state.endpoint.address,
      health: state.endpoint.health,
      weight: state.endpoint.weight,
      serves: serving.endpoints.includes(state) || serving.degraded.includes(state),
      hostname: state.endpoint.hostname ?? null,
    })),
    runnerUps,
    pinned,
  };
}
