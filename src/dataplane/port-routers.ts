// The router of every bind point, built of the routes that come to it alone, and taken over while those stay the same.
import type { Listener, Route, Snapshot } from "../model/index.ts";
import { RouterBuild } from "../routing/compile.ts";
import type { Router } from "../routing/router.ts";
import type { BindPoint } from "./bind-points.ts";

/** A router, and all that it was built of. */
interface PortRouter {
  readonly router: Router;
  readonly listeners: readonly Listener[];
  /** In order of precedence. */
  readonly routes: readonly Route[];
}

/** By key of the bind point. */
export type PortRouters = ReadonlyMap<string, PortRouter>;

/** What the routers were built of, and what is to be known of its successor. */
export interface Change {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly routers: PortRouters;
}

/** Yields between steps, so that it can be stopped there; `shouldYield` says within a router whether it is to be. */
export function* buildRouters(
  points: readonly BindPoint[],
  { before, after, routers }: Change,
  shouldYield: () => boolean,
): Generator<void, PortRouters> {
  // Health changes far more often than routes do.
  if (after.routes === before.routes && after.listeners === before.listeners) return routers;
  const routesOf = yield* routesByPoint(points, after.routes);
  const built = new Map<string, PortRouter>();
  for (const point of points) {
    // Requests come to those listeners alone that see them.
    const listeners = point.listeners.filter(({ protocol }) => protocol !== "TLS");
    const routes = routesOf.get(point.key) ?? [];
    const known = routers.get(point.key);
    if (known !== undefined && sameItems(known.listeners, listeners) && sameItems(known.routes, routes)) {
      built.set(point.key, known);
      continue;
    }
    const build = new RouterBuild(listeners, routes, known?.router);
    while (!build.step(shouldYield)) yield;
    built.set(point.key, { router: build.router as Router, listeners, routes });
  }
  return built;
}

function* routesByPoint(
  points: readonly BindPoint[],
  routes: readonly Route[],
): Generator<void, ReadonlyMap<string, readonly Route[]>> {
  const listsOf = new Map<string, Route[][]>();
  const byPoint = new Map<string, Route[]>();
  for (const { key, listeners } of points) {
    const list: Route[] = [];
    byPoint.set(key, list);
    for (const { id } of listeners) {
      const lists = listsOf.get(id);
      if (lists === undefined) listsOf.set(id, [list]);
      else lists.push(list);
    }
  }
  for (const route of routes) {
    for (const { listener } of route.attachments) {
      // Once, however many listeners of the point it attaches to.
      for (const list of listsOf.get(listener) ?? []) if (list.at(-1) !== route) list.push(route);
    }
    yield;
  }
  return byPoint;
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
