// What the router answers: the listener, route and rule that a request belongs to.
import type { Listener, Route, Rule } from "../model/index.ts";

export interface RouteResult {
  readonly listener: Listener;
  readonly route: Route;
  readonly rule: Rule;
  /** Index of the rule in the route. */
  readonly ruleIndex: number;
}
