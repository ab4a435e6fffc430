// The immutable compiled configuration that every engine, command and page works from.
import type { Backend } from "./backend.ts";
import type { Listener } from "./listener.ts";
import type { Route, TlsRoute } from "./route.ts";

/** Plain data, so that it crosses process borders; version counts up with every change. */
export interface Snapshot {
  readonly version: number;
  readonly listeners: readonly Listener[];
  /** In order of precedence: of two equally specific matches the earlier route wins. */
  readonly routes: readonly Route[];
  /** In order of precedence too; of two hostnames the more specific wins first. */
  readonly tlsRoutes: readonly TlsRoute[];
  readonly backends: readonly Backend[];
}

export const EMPTY_SNAPSHOT: Snapshot = {
  version: 0,
  listeners: [],
  routes: [],
  tlsRoutes: [],
  backends: [],
};
