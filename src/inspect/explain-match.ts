// Listener, route and rule of an explanation: what took the request, and what nearly did.

import { nearestName } from "../dialects/schema/near-names.ts";
import type { Listener } from "../model/index.ts";
import type { RouteMiss, RouteResult } from "../routing/match-result.ts";
import {
  hostOf,
  listenerMisses,
  matchesThatHold,
  type NearMiss,
  type RoutedRequest,
  routeMisses,
  ruleMisses,
} from "../routing/near-misses.ts";
import type { Course } from "./course.ts";
import type { ListenerStage, NearMisses, RouteStage, RuleStage } from "./explanation.ts";
import { filterText } from "./filter-text.ts";

const SHOWN = 5;
const NONE: NearMisses = { first: [], leftOff: 0 };

export function explainListener(course: Course): ListenerStage {
  const { entrance, client, match, passed } = course;
  const listener = match?.listener ?? passed?.listener;
  const request = routed(course);
  return {
    bind: entrance.bind,
    name: listener?.id ?? null,
    hostname: listener === undefined ? null : (listener.hostname ?? "*"),
    protocol: listener?.protocol ?? null,
    client: client.ip,
    nearMisses:
      request === undefined || match === undefined
        ? NONE
        : few(listenerMisses(requestListeners(course), request, listener)),
  };
}

export function explainRoute(course: Course): RouteStage | null {
  const { passed } = course;
  if (passed !== undefined) return { name: passed.route?.id ?? null, nearMisses: NONE };
  const match = matched(course);
  const request = routed(course);
  if (match === undefined || request === undefined) return null;
  const host = hostOf(request.head);
  // Where a route has the host, others are of interest only if it might be a misspelling of theirs.
  const misses = routeMisses(requestListeners(course), course.entrance.routes, request, match.listener)
    .filter(({ hostnames }) => match.route === undefined || nearestName(host, hostnames) !== undefined)
    .map(({ name, reasons }) => ({ name, reasons }));
  return { name: match.route?.id ?? null, nearMisses: few(misses) };
}

export function explainRule(course: Course): RuleStage | null {
  const match = matched(course);
  const request = routed(course);
  if (match === undefined || request === undefined) return null;
  const misses = ruleMisses(requestListeners(course), course.entrance.routes, request, match);
  const nearMisses = few(misses);
  if (match.rule === undefined) return { name: null, index: null, matches: [], filters: [], nearMisses };
  return {
    name: match.rule.name,
    index: match.ruleIndex,
    matches: matchesThatHold(match, request),
    filters: match.rule.filters.map(filterText),
    nearMisses,
  };
}

/** Undefined: no listener took it. */
function matched({ match }: Course): RouteResult | (RouteMiss & { readonly listener: Listener }) | undefined {
  if (match?.listener === undefined) return undefined;
  return match.rule === undefined ? { ...match, listener: match.listener } : match;
}

function routed({ head, path }: Course): RoutedRequest | undefined {
  return head === undefined || path === undefined ? undefined : { head, path };
}

/** Listeners that pass TLS through see no requests. */
function requestListeners({ entrance }: Course): readonly Listener[] {
  return entrance.listeners.filter(({ protocol }) => protocol !== "TLS");
}

function few(misses: readonly NearMiss[]): NearMisses {
  return { first: misses.slice(0, SHOWN), leftOff: Math.max(0, misses.length - SHOWN) };
}
