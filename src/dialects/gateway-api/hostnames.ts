// Which hostnames a route serves on a listener: the intersection of both, by the rules of the specification.

/**
 * Those of the route's own hostnames that have something in common with the listener's: of two routes on a listener the one
 * that named the host more exactly goes first, however narrow the listener makes both (Gateway API 1.7). The listener sees
 * to the rest, since only requests for its own hostname come to it. `*` stands for all.
 */
export function hostnamesOn(listener: string | undefined, route: readonly string[]): readonly string[] {
  if (route.length === 0) return ["*"];
  return [...new Set(route)].filter((hostname) => intersectHostnames(listener, [hostname]).length > 0);
}

/** What is served there. `*` stands for all; empty: the two have nothing in common. */
export function intersectHostnames(
  listener: string | undefined,
  route: readonly string[],
): readonly string[] {
  if (route.length === 0) return [listener ?? "*"];
  if (listener === undefined) return [...new Set(route)];
  const common = route
    .map((hostname) => intersection(listener, hostname))
    .filter((name) => name !== undefined);
  return [...new Set(common)];
}

/** The narrower of the two names if it lies within the other. */
function intersection(a: string, b: string): string | undefined {
  if (a === b || covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** `*.example.com` covers `a.example.com`, `a.b.example.com` and `*.a.example.com`, not `example.com`. */
function covers(wide: string, narrow: string): boolean {
  if (!wide.startsWith("*.")) return false;
  const bare = narrow.startsWith("*.") ? narrow.slice(1) : narrow;
  return bare.length > wide.length - 1 && bare.endsWith(wide.slice(1));
}
