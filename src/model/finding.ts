// Something to tell about the configuration: which object and field, where it stands, what was expected, what to write.
import type { FindingCode } from "./finding-codes.ts";
import type { ObjectRef } from "./object-ref.ts";

/** `error`: unreadable, or breaks its schema or a cross-field rule; `warning`: valid but not honoured as written. */
export type Severity = "error" | "warning" | "info";

/** Where a value stands. Lines and columns count from 1, columns in UTF-16 units. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Absent only where a document could not be read as an object at all. */
  readonly object?: ObjectRef;
  /** Field path such as `spec.rules[0].sessionPersistence.cookieConfig`; "" for the whole object. */
  readonly path: string;
  /** Absent where the object did not come from a file. */
  readonly source?: SourcePosition;
  /** What is wrong, one sentence without a full stop. */
  readonly message: string;
  /** What would have been right: a type, a range, a list of names. */
  readonly expected: string;
  /** What to write instead, literally where that is possible. */
  readonly hint: string;
}

/** `what is wrong (expected what would be right; what to write instead)` */
export function findingText({
  message,
  expected,
  hint,
}: Pick<Finding, "message" | "expected" | "hint">): string {
  const advice = [...(expected === "" ? [] : [`expected ${expected}`]), ...(hint === "" ? [] : [hint])];
  return advice.length === 0 ? message : `${message} (${advice.join("; ")})`;
}
