// Attaches a route of any kind to the listeners of its parents, and says in its status what came of it.
import {
  type Condition,
  type ObjectRef,
  type ObjectStatus,
  objectKey,
  type ParentStatus,
} from "../../model/index.ts";
import type { ReferenceProblem } from "../dialect.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { Reading } from "../schema/read-object.ts";
import {
  type AttachedListener,
  attachToParent,
  missingParent,
  type ParentRefValue,
  type Parents,
  type ParentVerdict,
} from "./parent-ref.ts";

export interface ParentContext {
  readonly parents: Parents;
  /** Every Gateway is served; else only those in `parents`, and others are somebody else's. */
  readonly everyGateway: boolean;
}

type RouteReading = Reading<{
  readonly spec: { readonly parentRefs: readonly ParentRefValue[]; readonly hostnames: readonly string[] };
}>;

export interface AttachedRoute {
  /** Open listeners that take it. */
  readonly attached: readonly AttachedListener[];
  /** Ids of all listeners that take it, open or not; none where it is not accepted for what it is itself. */
  readonly listeners: readonly string[];
  /** Those of the listeners, each once. */
  readonly gateways: readonly ObjectRef[];
  readonly status: ObjectStatus;
  readonly findings: readonly FindingDraft[];
}

/** What of a route is wrong in itself, whichever parent it has. */
export interface RouteFlaws {
  /** Those of its references, for the condition ResolvedRefs. */
  readonly problems: readonly ReferenceProblem[];
  /** Names of the rules that answer 500 for what they ask for. */
  readonly unserved: readonly string[];
  /** How many rules there are. */
  readonly rules: number;
}

export function attachToParents(
  reading: RouteReading,
  flaws: RouteFlaws,
  context: ParentContext,
): AttachedRoute {
  const { object, value } = reading;
  const attached: AttachedListener[] = [];
  const parents: ParentStatus[] = [];
  const findings: FindingDraft[] = [];
  const { unserved } = flaws;
  const own = ownRefusal(reading, flaws);
  const always = [resolvedRefs(flaws.problems)];
  if (own === undefined && unserved.length > 0) {
    const message = `Rules answer 500, see the findings: ${unserved.join(", ")}`;
    always.push(condition("PartiallyInvalid", true, "UnsupportedValue", message));
  }
  const at = ["spec", "hostnames"];
  const hostnames = value.spec.hostnames.filter((_, index) => !reading.hasErrorAt([...at, index]));
  // A route of which no hostname could be read must not take the requests of every host.
  const unreadable = hostnames.length === 0 && reading.hasErrorAt(at);
  for (const [index, parent] of value.spec.parentRefs.entries()) {
    const verdict = verdictOn(parent, object, hostnames, context);
    if (verdict === undefined) continue;
    const { refusal } = verdict;
    if (!unreadable) attached.push(...verdict.attachments);
    if (refusal !== undefined) {
      const at = reading.writtenPath(["spec", "parentRefs", index]);
      findings.push(draftFinding("route-not-accepted", object, at, refusal));
    }
    const accepted: Condition =
      own ??
      (refusal === undefined
        ? condition("Accepted", true, "Accepted", attachedText(verdict.attachments))
        : condition("Accepted", false, refusal.reason, refusal.message));
    parents.push({ ...parentOf(parent, object.namespace), conditions: [accepted, ...always] });
  }
  if (value.spec.parentRefs.length === 0 && !reading.inError) {
    const message = "the route has no parentRefs, so no Gateway serves it";
    const hint = "add parentRefs: [{name: my-gateway}]";
    findings.push(
      draftFinding("route-not-accepted", object, ["spec"], { message, expected: "parentRefs", hint }),
    );
  }
  return {
    attached: attached.filter(({ to }) => to.isOpen),
    listeners: own === undefined ? [...new Set(attached.map(({ listener }) => listener))] : [],
    gateways: [...new Map(attached.map(({ to }) => [objectKey(to.gateway), to.gateway])).values()],
    status: { object, conditions: [], parents },
    findings,
  };
}

function ownRefusal(
  { inError, isOutdated = false }: RouteReading,
  { unserved, rules }: RouteFlaws,
): Condition | undefined {
  if (isOutdated) {
    const message = "The route is in error, and its last good form is served; see the findings";
    return condition("Accepted", false, "UnsupportedValue", message);
  }
  if (inError) {
    return condition("Accepted", false, "UnsupportedValue", "The route is in error; see the findings");
  }
  if (rules === 0 || unserved.length < rules) return undefined;
  return condition("Accepted", false, "UnsupportedValue", "All rules answer 500; see the findings");
}

function attachedText(attachments: readonly AttachedListener[]): string {
  const closed = attachments.filter(({ to }) => !to.isOpen).map(({ to }) => to.name);
  if (closed.length === 0) return "The route is attached";
  return `The route is attached; not open, see there: ${closed.join(", ")}`;
}

/** Undefined: a parent that is none of ours to judge. */
function verdictOn(
  parent: ParentRefValue,
  object: ObjectRef,
  hostnames: readonly string[],
  context: ParentContext,
): ParentVerdict | undefined {
  const { group, kind, name } = parent;
  const namespace = parent.namespace ?? object.namespace;
  const listeners = context.parents.listeners.get(objectKey({ group, kind, namespace, name }));
  if (listeners !== undefined)
    return attachToParent(parent, listeners, { object, hostnames }, context.parents);
  return context.everyGateway ? missingParent(parent, object.namespace) : undefined;
}

function resolvedRefs(problems: readonly ReferenceProblem[]): Condition {
  const [first] = problems;
  return first === undefined
    ? condition("ResolvedRefs", true, "ResolvedRefs", "All references lead somewhere")
    : condition("ResolvedRefs", false, first.reason, first.message);
}

function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? "True" : "False", reason, message };
}

function parentOf({ group, kind, name, sectionName, port, ...rest }: ParentRefValue, namespace: string) {
  return {
    parent: { group, kind, namespace: rest.namespace ?? namespace, name },
    ...(sectionName === undefined ? {} : { sectionName }),
    ...(port === undefined ? {} : { port }),
  };
}
