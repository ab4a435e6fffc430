// The objects of a translation after reading: typed by their kinds, found by name.
import { type ObjectRef, objectKey } from "../model/index.ts";
import type { Recall } from "./memory.ts";
import type { Kind } from "./schema/kind.ts";
import type { Reading } from "./schema/read-object.ts";

/** Lists and indexes keep their identity from run to run while no object of the kind changes. */
export interface ObjectSet {
  /** In order of namespace and name. */
  all<T>(kind: Kind<T>): readonly Reading<T>[];
  get<T>(kind: Kind<T>, namespace: string, name: string): Reading<T> | undefined;
  /** A view of all objects of a kind that is made once for each state of them; `name` tells views apart. */
  index<T, R>(kind: Kind<T>, name: string, make: (all: readonly Reading<T>[]) => R): R;
  /** Whether such an object was given, readable or not: for references to kinds of any dialect. */
  has(object: ObjectRef): boolean;
}

export function objectSet(
  readings: ReadonlyMap<Kind, readonly Reading[]>,
  given: ReadonlyMap<string, unknown>,
  recall: Recall,
): ObjectSet {
  const lists = new Map<Kind, readonly Reading[]>();
  const views = new Map<string, unknown>();
  const all = <T>(kind: Kind<T>): readonly Reading<T>[] => {
    let list = lists.get(kind as Kind);
    if (list === undefined) {
      const found = recall.list("objects", kindKey(kind as Kind), readings.get(kind as Kind) ?? []);
      list = recall.result("objects in order", found, [], () => [...found].sort(byName));
      lists.set(kind as Kind, list);
    }
    return list as readonly Reading<T>[];
  };
  const index = <T, R>(kind: Kind<T>, name: string, make: (all: readonly Reading<T>[]) => R): R => {
    const key = `${kindKey(kind as Kind)} ${name}`;
    if (!views.has(key)) {
      const list = all(kind);
      const view = recall.result("views of objects", key, [list], () => make(list));
      views.set(key, view);
    }
    return views.get(key) as R;
  };
  return {
    all,
    index,
    get: (kind, namespace, name) =>
      index(kind, "by name", (list) => {
        return new Map(
          list.map((reading) => [`${reading.object.namespace}/${reading.object.name}`, reading]),
        );
      }).get(`${namespace}/${name}`),
    has: (object) => given.has(objectKey(object)),
  };
}

function byName(a: Reading, b: Reading): number {
  return compare(a.object.namespace, b.object.namespace) || compare(a.object.name, b.object.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function kindKey(kind: Kind): string {
  return `${kind.group}/${kind.kind}`;
}
