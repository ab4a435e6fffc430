// The registry of findings: every code, its usual severity and what it means; docs/findings.md is generated from it.
import type { Severity } from "./finding.ts";

export interface FindingKind {
  readonly severity: Severity;
  readonly meaning: string;
}

export const FINDING_CODES = {
  "unreadable-file": { severity: "error", meaning: "A file or a YAML document in it could not be read." },
  "unknown-kind": {
    severity: "warning",
    meaning: "The kind is none that Limpet reads, so the object has no effect.",
  },
  "unknown-field": {
    severity: "warning",
    meaning: "The field is not part of the kind, so it has no effect.",
  },
  "invalid-value": { severity: "error", meaning: "A value breaks the schema of its kind." },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDING_CODES;
