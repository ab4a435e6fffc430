// Tells what of a configuration did not take a request although it might have, and which condition was in the way.
import type { Listener, RequestHead, Route, RouteMatch, Rule, ValueMatch } from "../model/index.ts";
import { compileCandidate } from "./candidates.ts";
import { HostTable, hostEnd } from "./host.ts";
import type { RouteMiss, RouteResult } from "./match-result.ts";
import { PathTable } from "./path-table.ts";
import { parameterOf } from "./query.ts";

/** A listener, route or rule that did not take the request. */
export interface NearMiss {
  /** Id of the listener or route; of a rule its route's id and its name: `HTTPRoute/default/shop rule 2`. */
  readonly name: string;
  /** Everything that was in the way, each a clause; never empty. */
  readonly reasons: readonly string[];
}

/** A request with its normalised path and query, as the router gets them. */
export interface RoutedRequest {
  readonly head: RequestHead;
  readonly path: string;
}

/** `listeners` share one port. The most specific hostname takes a host, whatever its routes. */
export function listenerMisses(
  listeners: readonly Listener[],
  { head }: RoutedRequest,
  taken: Listener | undefined,
): NearMiss[] {
  return listeners.flatMap((listener) => {
    const hostname = listener.hostname ?? "*";
    if (hostname === (taken?.hostname ?? "*") && taken !== undefined) return [];
    const reason = takesHost(hostname, head)
      ? `its hostname ${hostname} is less specific`
      : `its hostname is ${hostname}`;
    return [{ name: listener.id, reasons: [reason] }];
  });
}

/**
 * Routes of the listener that do not have the host, the ones with the most of its end in common first. `listeners` share
 * one port; those of one hostname are one.
 */
export function routeMisses(
  listeners: readonly Listener[],
  routes: readonly Route[],
  { head }: RoutedRequest,
  listener: Listener,
): (NearMiss & { readonly hostnames: readonly string[] })[] {
  const inCommon = (hostnames: readonly string[]) =>
    Math.max(...hostnames.map((hostname) => commonEnd(hostname, hostOf(head))));
  return attachedTo(listeners, routes, listener)
    .filter(({ hostnames }) => !hostnames.some((hostname) => takesHost(hostname, head)))
    .map((attached) => ({ ...attached, inCommon: inCommon(attached.hostnames) }))
    .sort((a, b) => b.inCommon - a.inCommon)
    .map(({ route, hostnames }) => ({
      name: route.id,
      reasons: [`its hostnames are ${hostnames.join(", ")}`],
      hostnames,
    }));
}

function commonEnd(a: string, b: string): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)) length += 1;
  return length;
}

/** Lower case, without port. */
export function hostOf({ authority }: RequestHead): string {
  return authority.slice(0, hostEnd(authority));
}

/**
 * Rules that have the host but did not get the request, the nearest first: those that hold too and come later in the
 * order of precedence, then those with the fewest conditions in the way.
 */
export function ruleMisses(
  listeners: readonly Listener[],
  routes: readonly Route[],
  request: RoutedRequest,
  { listener, rule: taken }: RouteResult | (RouteMiss & { readonly listener: Listener }),
): NearMiss[] {
  const misses = attachedTo(listeners, routes, listener)
    .filter(({ hostnames }) => hostnames.some((hostname) => takesHost(hostname, request.head)))
    .flatMap(({ route }) =>
      route.rules.flatMap((rule, ruleIndex) => {
        if (rule === taken) return [];
        const result = { listener, route, rule, ruleIndex };
        const [nearest = []] = rule.matches
          .map((match) => obstacles(match, request, result))
          .sort((a, b) => a.length - b.length);
        return [{ route, rule, obstacles: nearest }];
      }),
    );
  // A path that does not fit is further away than any other condition.
  const distance = (found: readonly Obstacle[]) =>
    found.length * 2 + (found.some(({ of }) => of === "path") ? 1 : 0);
  return misses
    .sort((a, b) => distance(a.obstacles) - distance(b.obstacles))
    .map(({ route, rule, obstacles: found }) => ({
      name: ruleText(route, rule),
      reasons:
        found.length === 0
          ? ["it holds too, and comes later in the order of precedence"]
          : found.map(({ reason }) => reason),
    }));
}

export function ruleText(route: Route, rule: Rule): string {
  return `${route.id} rule ${rule.name}`;
}

/** The matches of a rule that hold for a request. */
export function matchesThatHold(result: RouteResult, request: RoutedRequest): readonly RouteMatch[] {
  return result.rule.matches.filter((match) => obstacles(match, request, result).length === 0);
}

interface AttachedRoute {
  readonly route: Route;
  readonly hostnames: readonly string[];
}

function attachedTo(
  listeners: readonly Listener[],
  routes: readonly Route[],
  { hostname }: Listener,
): AttachedRoute[] {
  const ids = new Set(listeners.filter((other) => other.hostname === hostname).map(({ id }) => id));
  return routes.flatMap((route) => {
    const hostnames = route.attachments
      .filter(({ listener }) => ids.has(listener))
      .flatMap((attachment) => attachment.hostnames);
    return hostnames.length === 0 ? [] : [{ route, hostnames }];
  });
}

/** Asked of the table that the router itself asks. */
function takesHost(hostname: string, { authority }: RequestHead): boolean {
  const table = new HostTable<true>();
  table.add(hostname.toLowerCase(), true);
  return table.find(authority, hostEnd(authority), []) > 0;
}

/** One condition of a match that does not hold. */
interface Obstacle {
  readonly of: "path" | "method" | "header" | "query";
  readonly reason: string;
}

const ANY_PATH = { type: "prefix", value: "/" } as const;

/** Each condition is asked alone, of the tables that serve. */
function obstacles(match: RouteMatch, request: RoutedRequest, result: RouteResult): Obstacle[] {
  const found: Obstacle[] = [];
  const ask = (of: Obstacle["of"], condition: Partial<RouteMatch>, reason: () => string) => {
    const alone = { path: ANY_PATH, headers: [], query: [], ...condition };
    if (!holds(alone, request, result)) found.push({ of, reason: reason() });
  };
  const { path, method } = match;
  ask("path", { path }, () => {
    if (path.type === "regex") return `the path does not match ${path.value}`;
    return path.type === "exact" ? `the path is not ${path.value}` : `the path is not under ${path.value}`;
  });
  if (method !== undefined) ask("method", { method }, () => `the method is not ${method}`);
  for (const header of match.headers) {
    ask("header", { headers: [header] }, () => {
      const values = request.head.getAll(header.name);
      return valueReason("header", header, values.length === 0 ? undefined : values.join(","));
    });
  }
  for (const parameter of match.query) {
    ask("query", { query: [parameter] }, () =>
      valueReason(
        "query parameter",
        parameter,
        parameterOf(request.path, pathEnd(request.path), parameter.name),
      ),
    );
  }
  return found;
}

function holds(match: RouteMatch, { head, path }: RoutedRequest, result: RouteResult): boolean {
  const candidate = compileCandidate(match, result);
  if (candidate === undefined) return false;
  const table = new PathTable();
  table.add(match.path, candidate);
  return table.find(head, path, pathEnd(path), []) !== undefined;
}

function pathEnd(path: string): number {
  const question = path.indexOf("?");
  return question === -1 ? path.length : question;
}

function valueReason(what: string, { type, name, value }: ValueMatch, actual: string | undefined): string {
  if (actual === undefined) return `there is no ${what} ${name}`;
  const wanted = type === "exact" ? `not ${JSON.stringify(value)}` : `which does not match ${value}`;
  return `${what} ${name} is ${JSON.stringify(actual)}, ${wanted}`;
}
