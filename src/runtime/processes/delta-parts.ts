// Cuts a delta into texts of bounded size and puts them together again, so that no message stalls who receives it.
import type { ListEdit, SnapshotDelta } from "../../model/index.ts";

/**
 * Characters of one part. Parsing JSON takes about 5 ms a megabyte, so a part costs well under 1 ms. One entry that is
 * larger by itself makes a larger part.
 */
const PART_SIZE = 128 * 1024;

const SECTIONS = ["listeners", "routes", "tlsRoutes", "backends"] as const;
type Section = (typeof SECTIONS)[number];
type Edits = { [S in Section]: SnapshotDelta[S][number][] };
type Step = readonly [Section, ListEdit<unknown>];

/** Each part is JSON: a list of steps, in order. The result is small where the delta is. */
export function deltaParts(delta: SnapshotDelta, partSize = PART_SIZE): string[] {
  const parts: string[] = [];
  let steps: string[] = [];
  let size = 0;
  const add = (section: Section, edit: ListEdit<unknown>) => {
    const step = JSON.stringify([section, edit] satisfies Step);
    if (size > 0 && size + step.length > partSize) {
      parts.push(`[${steps.join(",")}]`);
      steps = [];
      size = 0;
    }
    steps.push(step);
    size += step.length;
  };
  for (const section of SECTIONS) {
    for (const edit of delta[section]) {
      if ("put" in edit) for (const entry of edit.put) add(section, { put: [entry] });
      else add(section, edit);
    }
  }
  if (steps.length > 0) parts.push(`[${steps.join(",")}]`);
  return parts;
}

/** Collects parts until the delta is complete. */
export class DeltaAssembly {
  #edits: Edits = noEdits();

  add(part: string): void {
    for (const [section, edit] of JSON.parse(part) as Step[]) {
      (this.#edits[section] as ListEdit<unknown>[]).push(edit);
    }
  }

  /** The delta of all parts so far; the next part begins another. */
  take(base: number, version: number): SnapshotDelta {
    const delta = { base, version, ...this.#edits };
    this.#edits = noEdits();
    return delta;
  }
}

function noEdits(): Edits {
  return { listeners: [], routes: [], tlsRoutes: [], backends: [] };
}
