// Compiles the backendRefs of a rule: where each of them leads, with which filters and which session.
import type { SessionPersistence, WeightedBackend } from "../../model/index.ts";
import { isProblem, type ReferenceProblem, type ResolvedBackend } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { Effects } from "../policies/effects.ts";
import { type BackendRefValue, type ReferenceResolver, referenceOf } from "./backend-ref.ts";
import { compileFilters, unservedFilters } from "./filters.ts";
import type { HttpRouteReading } from "./http-route.ts";

/** A session, with the path of what brings it to the rule. */
export interface PlacedSession {
  readonly session: SessionPersistence;
  readonly path: FieldPath;
}

export interface CompiledReferences {
  readonly references: readonly WeightedBackend[];
  readonly backends: readonly ResolvedBackend[];
  readonly problems: readonly ReferenceProblem[];
  readonly sessions: readonly PlacedSession[];
  readonly findings: readonly FindingDraft[];
}

/** `path` is that of the list. A rule that keeps sessions by itself takes none from policies on its backends. */
export function compileReferences(
  reading: HttpRouteReading,
  refs: readonly BackendRefValue[],
  path: FieldPath,
  ruleKeepsSessions: boolean,
  resolver: ReferenceResolver,
  effects: Effects,
): CompiledReferences {
  const { object } = reading;
  const backends: ResolvedBackend[] = [];
  const problems: ReferenceProblem[] = [];
  const sessions: PlacedSession[] = [];
  const findings: FindingDraft[] = [];
  const references = refs.map((ref, index): WeightedBackend => {
    const at = [...path, index];
    const { filters, unserved } = compileFilters(ref.filters);
    findings.push(...unservedFilters(reading, ref.filters, [...at, "filters"], unserved));
    const shared = { weight: ref.weight, filters };
    const resolved = resolver.resolve(object, referenceOf(ref, object.namespace));
    if (isProblem(resolved)) {
      problems.push(resolved);
      // What is in error has its findings already.
      if (reading.hasErrorAt(at)) return shared;
      const field = resolved.field === undefined ? at : [...at, resolved.field];
      findings.push(draftFinding("invalid-reference", object, reading.writtenPath(field), resolved));
      return shared;
    }
    backends.push(resolved);
    // An unserved filter makes this share of the requests answer 500.
    if (unserved.length > 0) return shared;
    const session = resolved.session ?? (ruleKeepsSessions ? undefined : policySession(resolved, effects));
    if (session === undefined) return { ...shared, backend: resolved.id };
    sessions.push({ session, path: at });
    return { ...shared, backend: resolved.id, session };
  });
  return { references, backends, problems, sessions, findings };
}

function policySession({ object, port }: ResolvedBackend, effects: Effects): SessionPersistence | undefined {
  const targets = [...(port === undefined ? [] : [{ object, port }]), { object }];
  return effects.find("session", targets)?.session;
}
