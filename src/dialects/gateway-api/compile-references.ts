// Compiles the backendRefs of a rule: where each of them leads, with which filters and which session.
import type { SessionPersistence, WeightedBackend } from "../../model/index.ts";
import type { ResolvedBackend } from "../dialect.ts";
import type { FieldPath, FindingDraft } from "../findings.ts";
import { backendTargets } from "../policies/attachment.ts";
import type { Effects } from "../policies/effects.ts";
import type { BackendRefValue } from "./backend-ref.ts";
import { compileFilters } from "./filters.ts";
import type { References } from "./follow-references.ts";
import type { HttpRouteReading } from "./http-route.ts";

/** A session, with the path of what brings it to the rule. */
export interface PlacedSession {
  readonly session: SessionPersistence;
  readonly path: FieldPath;
}

export interface CompiledReferences {
  readonly weighted: readonly WeightedBackend[];
  readonly sessions: readonly PlacedSession[];
  readonly findings: readonly FindingDraft[];
}

/** What the rule around the references says. */
export interface RuleFrame {
  /** It keeps sessions by itself, and takes none from policies on its backends. */
  readonly keepsSessions: boolean;
  /** Value of its only path match, if that is one by prefix. */
  readonly prefix: string | undefined;
}

/** `path` is that of the list. */
export function compileReferences(
  reading: HttpRouteReading,
  refs: readonly BackendRefValue[],
  path: FieldPath,
  { keepsSessions, prefix }: RuleFrame,
  references: References,
  effects: Effects,
): CompiledReferences {
  const sessions: PlacedSession[] = [];
  const findings: FindingDraft[] = [];
  const weighted = refs.map((ref, index): WeightedBackend => {
    const at = [...path, index];
    const { weight } = ref;
    const resolved = references.follow(ref, at);
    const compiled = compileFilters(reading, ref.filters, [...at, "filters"], prefix, references);
    findings.push(...compiled.findings);
    // Filters of a reference are for what goes where it leads: they mean nothing where that share answers 500.
    if (resolved === undefined || compiled.unserved) return { weight, filters: [] };
    const shared = { weight, filters: compiled.filters, backend: resolved.id };
    const session = resolved.session ?? (keepsSessions ? undefined : policySession(resolved, effects));
    if (session === undefined) return shared;
    sessions.push({ session, path: at });
    return { ...shared, session };
  });
  return { weighted, sessions, findings };
}

function policySession(resolved: ResolvedBackend, effects: Effects): SessionPersistence | undefined {
  return effects.find("session", backendTargets(resolved))?.session;
}
