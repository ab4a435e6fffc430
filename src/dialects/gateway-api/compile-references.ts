// Compiles the backendRefs of a rule: where each of them leads, and with which filters.
import type { WeightedBackend } from "../../model/index.ts";
import type { ResolvedBackend } from "../dialect.ts";
import type { FieldPath, FindingDraft } from "../findings.ts";
import type { BackendRefValue } from "./backend-ref.ts";
import { compileFilters } from "./filters.ts";
import type { References } from "./follow-references.ts";
import type { HttpRouteReading } from "./http-route.ts";

export interface CompiledReference {
  readonly weighted: WeightedBackend;
  /** Undefined where its share answers 500. */
  readonly resolved: ResolvedBackend | undefined;
  /** In the reading's value. */
  readonly path: FieldPath;
}

export interface CompiledReferences {
  readonly all: readonly CompiledReference[];
  readonly findings: readonly FindingDraft[];
}

/** `path` is that of the list; `prefix` the value of the rule's only path match, if that is one by prefix. */
export function compileReferences(
  reading: HttpRouteReading,
  refs: readonly BackendRefValue[],
  path: FieldPath,
  prefix: string | undefined,
  references: References,
): CompiledReferences {
  const findings: FindingDraft[] = [];
  const all = refs.map((ref, index): CompiledReference => {
    const at = [...path, index];
    const { weight } = ref;
    const resolved = references.follow(ref, at);
    const compiled = compileFilters(reading, ref.filters, [...at, "filters"], prefix, references);
    findings.push(...compiled.findings);
    // Filters of a reference are for what goes where it leads: they mean nothing where that share answers 500.
    if (resolved === undefined || compiled.unserved) {
      return { weighted: { weight, filters: [] }, resolved: undefined, path: at };
    }
    const weighted = { weight, filters: compiled.filters, backend: resolved.id };
    return { weighted, resolved, path: at };
  });
  return { all, findings };
}
