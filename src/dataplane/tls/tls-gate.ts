// Whom a server name leads to on a port that speaks TLS: a listener that ends TLS here, or one that passes it through.
import type { BackendStates } from "../../affinity/backend-states.ts";
import { planRule, type RulePlan } from "../../affinity/plan.ts";
import type { Listener, Rule, TlsRoute } from "../../model/index.ts";
import { HostTable } from "../../routing/host.ts";
import type { Terminator } from "./terminator.ts";
import type { Terminators } from "./terminators.ts";

/** A TLSRoute with all that a decision needs. */
export interface PlannedTlsRoute {
  readonly route: TlsRoute;
  readonly plan: RulePlan;
}

/** A listener that ends TLS. */
export interface TerminateDoorway {
  readonly kind: "terminate";
  readonly listener: Listener;
  readonly terminator: Terminator;
  /** What is decrypted is passed on as it is; undefined: requests follow. */
  readonly passes?: PassDoorway;
}

/** A listener that passes connections on by their server name: as they come, or behind a doorway that ends TLS. */
export interface PassDoorway {
  readonly kind: "pass";
  readonly listener: Listener;
  readonly routes: HostTable<PlannedTlsRoute>;
}

export type Doorway = TerminateDoorway | PassDoorway;

export class TlsGate {
  /**
   * Somebody here answers handshakes for HTTP, and tells whoever asks for another name that it is unknown. Where
   * connections are only passed on, they end without a word, as Gateway API wants.
   */
  readonly answers: boolean;
  readonly #doorways = new HostTable<Doorway>();
  // Room for what a lookup finds on its way; a lookup is synchronous, so one is enough.
  readonly #found: Doorway[] = [];

  constructor(answers: boolean) {
    this.answers = answers;
  }

  /** Of listeners with one hostname (of several Gateways) the first one answers handshakes. */
  add(hostname: string, doorway: Doorway): void {
    if (this.#doorways.get(hostname) === undefined) this.#doorways.add(hostname, doorway);
  }

  /**
   * The listener with the most specific hostname. A client without a server name finds a listener without a hostname
   * only: to answer it with somebody's certificate would be a guess.
   */
  find(serverName: string | undefined): Doorway | undefined {
    const name = serverName ?? "";
    const count = this.#doorways.find(name, nameEnd(name), this.#found);
    return count === 0 ? undefined : this.#found[count - 1];
  }
}

const routesFound: PlannedTlsRoute[] = [];

/** The route with the most specific hostname. */
export function findTlsRoute(
  routes: HostTable<PlannedTlsRoute>,
  serverName: string | undefined,
): PlannedTlsRoute | undefined {
  const name = serverName ?? "";
  const count = routes.find(name, nameEnd(name), routesFound);
  return count === 0 ? undefined : routesFound[count - 1];
}

/** Before the root's dot, which a server name should not have. */
function nameEnd(name: string): number {
  return name.length > 1 && name.endsWith(".") ? name.length - 1 : name.length;
}

/** By listener, then by hostname. */
export type TlsRoutes = ReadonlyMap<string, HostTable<PlannedTlsRoute>>;

const NO_ROUTES = new HostTable<PlannedTlsRoute>();

/** Undefined: the port speaks no TLS. Stops after every listener. */
export function* buildGate(
  listeners: readonly Listener[],
  routes: TlsRoutes,
  terminators: Terminators,
): Generator<void, TlsGate | undefined> {
  if (listeners.every(({ protocol }) => protocol === "HTTP")) return undefined;
  const gate = new TlsGate(listeners.some(({ protocol }) => protocol === "HTTPS"));
  for (const listener of listeners) {
    const hostname = listener.hostname?.toLowerCase() ?? "*";
    const { protocol, tls } = listener;
    const passes: PassDoorway | undefined =
      protocol === "TLS"
        ? { kind: "pass", listener, routes: routes.get(listener.id) ?? NO_ROUTES }
        : undefined;
    if (tls !== undefined) {
      const terminator = terminators.of(tls);
      const behind = passes === undefined ? {} : { passes };
      gate.add(hostname, { kind: "terminate", listener, terminator, ...behind });
    } else if (passes !== undefined) {
      gate.add(hostname, passes);
    }
    yield;
  }
  return gate;
}

/** Of routes with one hostname the first one takes its clients. Stops after every route. */
export function* planTlsRoutes(
  tlsRoutes: readonly TlsRoute[],
  backends: BackendStates,
): Generator<void, TlsRoutes> {
  const byListener = new Map<string, HostTable<PlannedTlsRoute>>();
  for (const route of tlsRoutes) {
    const planned = { route, plan: planRule(ruleOf(route), backends) };
    for (const { listener, hostnames } of route.attachments) {
      let table = byListener.get(listener);
      if (table === undefined) {
        table = new HostTable();
        byListener.set(listener, table);
      }
      for (const name of hostnames) {
        const hostname = name.toLowerCase();
        if (table.get(hostname) === undefined) table.add(hostname, planned);
      }
    }
    yield;
  }
  return byListener;
}

/** The one rule that a TLSRoute has. Nothing of a request is there to match, to filter, or to keep a session in. */
function ruleOf(route: TlsRoute): Rule {
  const backends = route.backends.map(({ session: _, ...reference }) => reference);
  return {
    name: "0",
    matches: [],
    filters: [],
    action: { kind: "forward", backends },
    hashPolicies: [],
    splitByHash: false,
  };
}
