// Asks for explanations in tests: a snapshot and a request as one would type it.
import { onTestFinished } from "vitest";
import type { SessionKeys } from "../../src/affinity/token/session-keys.ts";
import { type DataplaneOptions, DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import type { Explanation } from "../../src/inspect/explanation.ts";
import type { Snapshot } from "../../src/model/index.ts";
import { Explainer } from "../../src/runtime/explain/explainer.ts";
import { type QuestionTexts, readQuestion } from "../../src/runtime/explain/question.ts";

export interface Asking extends Partial<QuestionTexts> {
  readonly keys?: SessionKeys;
  readonly options?: Partial<DataplaneOptions>;
  readonly portOffset?: number;
}

/** Asks one explainer, at 2026-01-01T00:00:00Z unless said otherwise. */
export function explaining({ options, portOffset = 0 }: Asking = {}) {
  const dataplane = { ...DEFAULT_DATAPLANE_OPTIONS, ...options };
  const explainer = new Explainer({ dataplane, portOffset }, () => 0.5);
  onTestFinished(() => explainer.close());
  return (snapshot: Snapshot, request: string, { keys, ...texts }: Asking = {}): Explanation => {
    const question = readQuestion({ request, headers: [], refusing: [], ...texts }, dataplane.maxHeaders);
    return explainer.explain(question, { snapshot, keys, nowMs: Date.UTC(2026, 0, 1) });
  };
}

export function explained(snapshot: Snapshot, request: string, asking: Asking = {}): Explanation {
  return explaining(asking)(snapshot, request, asking);
}
