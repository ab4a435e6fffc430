// Findings while they are made: a draft knows its object and field path; the place in the file is looked up at the end.
import {
  FINDING_CODES,
  type Finding,
  type FindingCode,
  type ObjectRef,
  type Severity,
} from "../model/index.ts";
import type { Resource } from "./translation.ts";

export type FieldPath = readonly (string | number)[];

export interface FindingText {
  /** What is wrong, one sentence without a full stop. */
  readonly message: string;
  readonly expected: string;
  readonly hint: string;
  /** Where it differs from the usual severity of the code. */
  readonly severity?: Severity;
}

export interface FindingDraft {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly object: ObjectRef;
  readonly path: FieldPath;
  readonly message: string;
  readonly expected: string;
  readonly hint: string;
  /** Where it stands, if not in the resource that counts as the object: a duplicate of it. */
  readonly resource?: Resource;
}

/** Drafts a finding about an object; severity as the registry of codes says unless `text` says otherwise. */
export function draftFinding(
  code: FindingCode,
  object: ObjectRef,
  path: FieldPath,
  text: FindingText,
): FindingDraft {
  const { message, expected, hint } = text;
  return {
    code,
    severity: text.severity ?? FINDING_CODES[code].severity,
    object,
    path,
    message,
    expected,
    hint,
  };
}

/** `spec.rules[0].matches`. Keys that are no plain names are quoted: `metadata.labels["a.b/c"]`. */
export function pathText(path: FieldPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** Completes a draft with the place of its field in the file that the resource came from. */
export function locateFinding({ resource, ...draft }: FindingDraft, counted: Resource | undefined): Finding {
  const source = (resource ?? counted)?.position(draft.path);
  return { ...draft, path: pathText(draft.path), ...(source === undefined ? {} : { source }) };
}
