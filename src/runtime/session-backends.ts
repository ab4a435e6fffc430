// Which backends sessions lead to.
import type { Snapshot } from "../model/index.ts";

/** Ids of all backends that a rule with session persistence refers to. */
export function backendsOfSessions({ routes }: Snapshot): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { rules } of routes) {
    for (const { action, session } of rules) {
      if (action.kind !== "forward") continue;
      for (const reference of action.backends) {
        const { backend } = reference;
        if (backend !== undefined && (reference.session ?? session) !== undefined) ids.add(backend);
      }
    }
  }
  return ids;
}
