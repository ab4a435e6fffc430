// What the router answers: the listener, route and rule that a request belongs to, or how far it came.
import type { Listener, Route, Rule } from "../model/index.ts";

export interface RouteResult {
  readonly listener: Listener;
  readonly route: Route;
  readonly rule: Rule;
  /** Index of the rule in the route. */
  readonly ruleIndex: number;
}

/** No rule takes the request: 404 for the client. Told from a result by `rule === undefined`. */
export interface RouteMiss {
  /** Undefined: no listener of the port has a hostname for this authority. */
  readonly listener: Listener | undefined;
  readonly route: undefined;
  readonly rule: undefined;
  readonly reason: "no-listener" | "no-route";
}
