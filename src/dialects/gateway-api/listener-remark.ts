// What there is to say about a listener: why it is not opened, and what else the writer should know.
import type { FindingCode } from "../../model/index.ts";
import type { FieldPath, FindingText } from "../findings.ts";

/** Why a listener is not opened, by the condition that says so. */
export interface ListenerRefusal {
  readonly type: "Accepted" | "Conflicted" | "Programmed";
  readonly reason: string;
  readonly message: string;
  /** What to write instead, and where in the listener. */
  readonly remedy?: { readonly path: FieldPath; readonly expected: string; readonly hint: string };
}

/** A finding about a listener; `path` is relative to it. */
export interface ListenerRemark extends FindingText {
  readonly code: FindingCode;
  readonly path: FieldPath;
}
