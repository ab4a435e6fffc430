// The router against a naive reading of Gateway API: every match is tried, the best is kept.
import fc from "fast-check";
import { expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import { listener, route, rule } from "../../test/support/routes.ts";
import type { Listener, RequestHead, Route, RouteMatch } from "../model/index.ts";
import { compileRouter } from "./compile.ts";

const HOSTS = ["*", "example", "a.example", "*.example", "*.a.example", "b.a.example"];
const PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/a/b/c", "//"];
const METHODS = ["GET", "POST"];
const values = (names: string[]) =>
  fc.uniqueArray(
    fc.record({
      type: fc.constantFrom("exact" as const, "regex" as const),
      name: fc.constantFrom(...names),
      value: fc.constantFrom("1", "2", ".*"),
    }),
    { maxLength: 2, selector: (condition) => condition.name },
  );

const matchOf: fc.Arbitrary<RouteMatch> = fc
  .record({
    path: fc.oneof(
      fc.record({
        type: fc.constantFrom("exact" as const, "prefix" as const),
        value: fc.constantFrom(...PATHS.filter((path) => path !== "//")),
      }),
      fc.record({
        type: fc.constant("regex" as const),
        value: fc.constantFrom("/a.*", "/a/[bc]", "(/|/ab)"),
      }),
    ),
    headers: values(["x", "y"]),
    query: values(["q", "r"]),
    method: fc.option(fc.constantFrom(...METHODS), { nil: undefined }),
  })
  .map(({ method, ...rest }) => (method === undefined ? rest : { ...rest, method }));

const configuration = fc
  .record({
    listeners: fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 }),
    routes: fc.array(
      fc.record({
        on: fc.nat(2),
        hostnames: fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 }),
        rules: fc.array(fc.array(matchOf, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 5 },
    ),
  })
  .map(({ listeners, routes }) => {
    const compiled = listeners.map((host, index) => listener(`l${index}`, host === "*" ? undefined : host));
    return {
      listeners: compiled,
      routes: routes.map(({ on, hostnames, rules }, index) =>
        route(
          `r${index}`,
          compiled[on % compiled.length] as Listener,
          hostnames,
          ...rules.map((matches, place) => rule(`r${index}-${place}`, ...matches)),
        ),
      ),
    };
  });

const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    authority: fc.constantFrom("example", "a.example", "b.a.example:80", "c.b.a.example", "other"),
    path: fc.constantFrom(...PATHS),
    query: fc.constantFrom("", "?", "?q=1", "?q=2&r=1", "?r=1&q=1&q=2"),
    fields: fc.array(fc.tuple(fc.constantFrom("x", "y"), fc.constantFrom("1", "2")), { maxLength: 3 }),
  })
  .map(({ query, ...parts }) => requestHead({ ...parts, path: parts.path + query }));

/** Larger is more specific; -1: does not take the host. */
function hostScore(hostname: string, host: string): number {
  if (hostname === host) return 1000;
  if (hostname === "*") return 0;
  return hostname.startsWith("*.") && host.endsWith(hostname.slice(1)) ? hostname.length : -1;
}

function holds(wanted: { type: string; value: string }, value: string | null | undefined): boolean {
  if (value === null || value === undefined) return false;
  return wanted.type === "exact" ? wanted.value === value : new RegExp(`^(${wanted.value})$`).test(value);
}

/** Criteria in order, larger first; undefined: does not match. */
function score(match: RouteMatch, head: RequestHead): number[] | undefined {
  const [path, query] = head.path.split("?") as [string, string | undefined];
  const parameters = new URLSearchParams(query ?? "");
  const { type, value } = match.path;
  const folder = value.replace(/\/$/, "");
  const pathScore = {
    exact: () => (path === value ? [3, 0] : undefined),
    regex: () => (holds({ type, value }, path) ? [2, value.length] : undefined),
    prefix: () => (path === folder || path.startsWith(`${folder}/`) ? [1, folder.length] : undefined),
  }[type]();
  if (pathScore === undefined) return undefined;
  if (match.method !== undefined && match.method !== head.method) return undefined;
  for (const header of match.headers) {
    const lines = head.getAll(header.name);
    if (!holds(header, lines.length === 0 ? undefined : lines.join(","))) return undefined;
  }
  for (const parameter of match.query) {
    if (!holds(parameter, parameters.get(parameter.name))) return undefined;
  }
  return [...pathScore, match.method === undefined ? 0 : 1, match.headers.length, match.query.length];
}

function compare(left: readonly number[], right: readonly number[]): number {
  const differs = left.findIndex((value, index) => value !== right[index]);
  return differs === -1 ? 0 : (left[differs] as number) - (right[differs] as number);
}

function reference(listeners: readonly Listener[], routes: readonly Route[], head: RequestHead): string {
  const host = head.authority.replace(/:\d+$/, "");
  const byHost = listeners
    .map((one) => ({ one, score: hostScore(one.hostname ?? "*", host) }))
    .filter((entry) => entry.score >= 0)
    .sort((left, right) => right.score - left.score);
  const taken = byHost[0]?.one;
  if (taken === undefined) return "no-listener";
  let best: { name: string; score: number[] } | undefined;
  for (const { attachments, rules } of routes) {
    for (const { listener: id, hostnames } of attachments) {
      for (const hostname of id === taken.id ? hostnames : []) {
        for (const { name, matches } of rules) {
          for (const match of matches) {
            const own = score(match, head);
            const byName = hostScore(hostname, host);
            if (own === undefined || byName < 0) continue;
            const full = [byName, ...own];
            if (best === undefined || compare(full, best.score) > 0) best = { name, score: full };
          }
        }
      }
    }
  }
  return best?.name ?? "no-route";
}

test("the router finds what trying everything finds", () => {
  fc.assert(
    fc.property(configuration, fc.array(request, { minLength: 1, maxLength: 5 }), (given, heads) => {
      const router = compileRouter(given.listeners, given.routes);
      for (const head of heads) {
        const result = router.match(head, head.path);
        const name = result.rule === undefined ? result.reason : result.rule.name;
        expect(name).toBe(reference(given.listeners, given.routes, head));
      }
    }),
    { numRuns: 2000 },
  );
});
