// What turns one snapshot into the next: the way snapshots travel to workers, small where little has changed.
import type { Backend } from "./backend.ts";
import type { Listener } from "./listener.ts";
import type { Route, TlsRoute } from "./route.ts";
import { sameData } from "./same-data.ts";
import type { Snapshot } from "./snapshot.ts";

/** One step in writing the new list: take a run of the old one over, or put entries that it does not have. */
export type ListEdit<T> = { readonly from: number; readonly count: number } | { readonly put: readonly T[] };

/** Plain data: it may cross process borders as JSON. */
export interface SnapshotDelta {
  /** Version of the snapshot that the delta applies to. */
  readonly base: number;
  readonly version: number;
  readonly listeners: readonly ListEdit<Listener>[];
  readonly routes: readonly ListEdit<Route>[];
  readonly tlsRoutes: readonly ListEdit<TlsRoute>[];
  readonly backends: readonly ListEdit<Backend>[];
}

/**
 * Entries are paired by id and compared by identity first, in depth only where that fails: with 10,000 routes of which
 * one is new, this is one pass over the lists.
 */
export function diffSnapshots(before: Snapshot, after: Snapshot): SnapshotDelta {
  return {
    base: before.version,
    version: after.version,
    listeners: diffLists(before.listeners, after.listeners),
    routes: diffLists(before.routes, after.routes),
    tlsRoutes: diffLists(before.tlsRoutes, after.tlsRoutes),
    backends: diffLists(before.backends, after.backends),
  };
}

/** Entries that did not change are the very objects of `before`. Throws if the delta was made for another version. */
export function applyDelta(delta: SnapshotDelta, before: Snapshot): Snapshot {
  if (delta.base !== before.version) {
    throw new Error(`a delta from version ${delta.base} does not apply to version ${before.version}`);
  }
  return {
    version: delta.version,
    listeners: applyEdits(delta.listeners, before.listeners),
    routes: applyEdits(delta.routes, before.routes),
    tlsRoutes: applyEdits(delta.tlsRoutes, before.tlsRoutes),
    backends: applyEdits(delta.backends, before.backends),
  };
}

/** True where both snapshots configure the same; versions aside. */
export function isEmptyDelta(delta: SnapshotDelta, before: Snapshot): boolean {
  return (
    takesAll(delta.listeners, before.listeners) &&
    takesAll(delta.routes, before.routes) &&
    takesAll(delta.tlsRoutes, before.tlsRoutes) &&
    takesAll(delta.backends, before.backends)
  );
}

function takesAll<T>(edits: readonly ListEdit<T>[], before: readonly T[]): boolean {
  const [only] = edits;
  if (only === undefined) return before.length === 0;
  return edits.length === 1 && "from" in only && only.from === 0 && only.count === before.length;
}

interface Identified {
  readonly id: string;
}

function diffLists<T extends Identified>(before: readonly T[], after: readonly T[]): ListEdit<T>[] {
  if (before === after) return before.length === 0 ? [] : [{ from: 0, count: before.length }];
  let indexById: ReadonlyMap<string, number> | undefined;
  // Most entries are where they were; only where one is not, all have to be found by their ids.
  const indexOf = (id: string, expected: number) => {
    if (before[expected]?.id === id) return expected;
    indexById ??= new Map(before.map((entry, index) => [entry.id, index]));
    return indexById.get(id);
  };
  const edits: ListEdit<T>[] = [];
  let run = { from: 0, count: 0 };
  let put: T[] = [];
  for (const [place, entry] of after.entries()) {
    const index = indexOf(entry.id, place);
    if (index === undefined || !sameData(before[index], entry)) {
      if (put.length === 0) edits.push({ put });
      put.push(entry);
      run = { from: 0, count: 0 };
    } else {
      if (run.count === 0 || run.from + run.count !== index) {
        run = { from: index, count: 0 };
        edits.push(run);
      }
      run.count++;
      put = [];
    }
  }
  return edits;
}

function applyEdits<T>(edits: readonly ListEdit<T>[], before: readonly T[]): readonly T[] {
  const [only] = edits;
  if (only !== undefined && takesAll(edits, before)) return before;
  return edits.flatMap((edit) =>
    "put" in edit ? edit.put : before.slice(edit.from, edit.from + edit.count),
  );
}
