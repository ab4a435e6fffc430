// The sessions that a configuration declares, each once.
import type { Route, SessionPersistence } from "../model/index.ts";

/** In the order of the routes. Rules that share a session's scope share its tokens. */
export function configuredSessions(routes: readonly Route[]): SessionPersistence[] {
  const byScope = new Map<string, SessionPersistence>();
  for (const { rules } of routes) {
    for (const { session, action } of rules) {
      const ofBackends = action.kind === "forward" ? action.backends.map((backend) => backend.session) : [];
      for (const each of [session, ...ofBackends]) {
        if (each !== undefined && !byScope.has(each.scope)) byScope.set(each.scope, each);
      }
    }
  }
  return [...byScope.values()];
}
