// Compiles listeners and routes into a router, in steps that never hold up the traffic of their process.
import type { Listener, Route, Rule } from "../model/index.ts";
import { compileCandidate } from "./candidates.ts";
import { HostTable } from "./host.ts";
import type { RouteResult } from "./match-result.ts";
import { PathTable } from "./path-table.ts";
import { type Attached, type CompiledHost, type CompiledListener, Router } from "./router.ts";

/** A router in the making. */
export class RouterBuild {
  readonly #work: Generator<void, Router>;
  #router: Router | undefined;

  /**
   * `listeners` share one port; `routes` are those of the snapshot, in its order. What `previous` was built of the
   * same objects is taken over.
   */
  constructor(listeners: readonly Listener[], routes: readonly Route[], previous?: Router) {
    this.#work = build(listeners, routes, previous);
  }

  /** Undefined until `step` has answered true. */
  get router(): Router | undefined {
    return this.#router;
  }

  /** Works until the router is ready (true) or `shouldYield`, asked after every rule, says stop (false). */
  step(shouldYield: () => boolean): boolean {
    while (this.#router === undefined) {
      const { done, value } = this.#work.next();
      if (done) this.#router = value;
      else if (shouldYield()) return false;
    }
    return true;
  }
}

/** Compiles in one go, for callers that serve no traffic meanwhile. */
export function compileRouter(listeners: readonly Listener[], routes: readonly Route[]): Router {
  const build = new RouterBuild(listeners, routes);
  build.step(() => false);
  return build.router as Router;
}

interface NamedHost {
  readonly listenerHostname: string;
  readonly hostname: string;
  readonly host: CompiledHost;
}

function* build(
  listeners: readonly Listener[],
  routes: readonly Route[],
  previous: Router | undefined,
): Generator<void, Router> {
  const compiled = new HostTable<CompiledListener>();
  const byId = new Map<string, Listener>();
  for (const listener of listeners) {
    byId.set(listener.id, listener);
    const hostname = hostnameOf(listener);
    if (compiled.get(hostname) !== undefined) continue;
    const miss = { listener, route: undefined, rule: undefined, reason: "no-route" } as const;
    compiled.add(hostname, { hosts: new HostTable(), miss });
    yield;
  }
  const hosts: NamedHost[] = [];
  for (const route of routes) {
    attach(route, byId, compiled, hosts);
    yield;
  }
  for (const { listenerHostname, hostname, host } of hosts) {
    const before = previous?.listeners.get(listenerHostname)?.hosts.get(hostname);
    if (before !== undefined && isSame(before.attached, host.attached)) host.paths = before.paths;
    else yield* compileHost(host);
    yield;
  }
  return new Router(compiled);
}

function hostnameOf(listener: Listener): string {
  return listener.hostname?.toLowerCase() ?? "*";
}

/** Puts the route under each hostname that it has on a listener of this port. */
function attach(
  route: Route,
  listeners: ReadonlyMap<string, Listener>,
  compiled: HostTable<CompiledListener>,
  hosts: NamedHost[],
): void {
  for (const attachment of route.attachments) {
    const listener = listeners.get(attachment.listener);
    if (listener === undefined) continue;
    const listenerHostname = hostnameOf(listener);
    const table = (compiled.get(listenerHostname) as CompiledListener).hosts;
    for (const name of attachment.hostnames) {
      const hostname = name.toLowerCase();
      const known = table.get(hostname);
      if (known !== undefined) {
        known.attached.push({ listener, route });
        continue;
      }
      const host = { attached: [{ listener, route }], paths: new PathTable() };
      table.add(hostname, host);
      hosts.push({ listenerHostname, hostname, host });
    }
  }
}

function isSame(before: readonly Attached[], now: readonly Attached[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ listener, route }, index) => {
      const other = now[index] as Attached;
      return listener === other.listener && route === other.route;
    })
  );
}

function* compileHost(host: CompiledHost): Generator<void, void> {
  for (const { listener, route } of host.attached) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      addRule(host.paths, rule, { listener, route, rule, ruleIndex });
      yield;
    }
  }
}

function addRule(paths: PathTable, rule: Rule, result: RouteResult): void {
  for (const match of rule.matches) {
    const candidate = compileCandidate(match, result);
    if (candidate !== undefined) paths.add(match.path, candidate);
  }
}
