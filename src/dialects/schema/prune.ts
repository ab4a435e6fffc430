// Copies of a JSON value with parts left out, which still know where what remains stood before.
import type { FieldPath } from "../findings.ts";

export interface Pruned {
  readonly tree: unknown;
  /** The path that a part of `tree` had in the value that the pruning began with. */
  writtenPath(path: FieldPath): FieldPath;
  /** A further copy without what stands at these paths of `tree`. */
  minus(paths: readonly FieldPath[]): Pruned;
}

/** Begins with the whole value, less the fields that are null: the API server takes those for absent. */
export function prunable(value: unknown): Pruned {
  return pruned(withoutNulls(value), new WeakMap());
}

/** For each list that lost items: the index that each remaining item had at first. */
type Origins = WeakMap<object, readonly number[]>;

function pruned(tree: unknown, origins: Origins): Pruned {
  return {
    tree,
    writtenPath: (path) => {
      let node = tree;
      return path.map((step) => {
        const origin = isContainer(node) ? origins.get(node)?.[step as number] : undefined;
        node = isContainer(node) ? (node as Record<string | number, unknown>)[step] : undefined;
        return origin ?? step;
      });
    },
    minus: (paths) => pruned(cut(tree, removals(paths), origins), origins),
  };
}

interface Removal {
  whole: boolean;
  readonly below: Map<string | number, Removal>;
}

function removals(paths: readonly FieldPath[]): Removal {
  const root: Removal = { whole: false, below: new Map() };
  for (const path of paths) {
    let node = root;
    for (const step of path) {
      const next = node.below.get(step) ?? { whole: false, below: new Map() };
      node.below.set(step, next);
      node = next;
    }
    node.whole = true;
  }
  return root;
}

function cut(node: unknown, removal: Removal, origins: Origins): unknown {
  if (Array.isArray(node)) {
    const before = origins.get(node);
    const kept = [...node.keys()].filter((index) => removal.below.get(index)?.whole !== true);
    const items = kept.map((index) => descend(node[index], removal.below.get(index), origins));
    origins.set(
      items,
      kept.map((index) => before?.[index] ?? index),
    );
    return items;
  }
  if (!isContainer(node)) return node;
  const kept = Object.entries(node).filter(([key]) => removal.below.get(key)?.whole !== true);
  return Object.fromEntries(kept.map(([key, item]) => [key, descend(item, removal.below.get(key), origins)]));
}

function descend(node: unknown, removal: Removal | undefined, origins: Origins): unknown {
  return removal === undefined ? node : cut(node, removal, origins);
}

function withoutNulls(value: unknown): unknown {
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const entries = Object.entries(value);
  const kept = entries
    .filter(([, item]) => item !== null && item !== undefined)
    .map(([key, item]) => [key, withoutNulls(item)] as const);
  const same =
    kept.length === entries.length && kept.every(([, item], index) => item === entries[index]?.[1]);
  return same ? value : Object.fromEntries(kept);
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
