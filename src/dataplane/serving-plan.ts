// A snapshot made ready to serve: routers for every bind point and a plan for every rule, built in slices.
import { BackendStates } from "../affinity/backend-states.ts";
import type { PendingTable } from "../affinity/decision.ts";
import { keepPlan, planRule, type RulePlan } from "../affinity/plan.ts";
import { EMPTY_SNAPSHOT, type Listener, type Rule, type Snapshot } from "../model/index.ts";
import { compileRouter } from "../routing/compile.ts";
import type { Router } from "../routing/router.ts";
import { bindPoints } from "./bind-points.ts";
import type { Clock } from "./clock.ts";
import { MirrorPlans } from "./mirror-plans.ts";
import { buildRouters, type PortRouters } from "./port-routers.ts";
import type { Steps } from "./slices.ts";
import { demandOf } from "./tls/terminator.ts";
import { Terminators } from "./tls/terminators.ts";
import { buildGate, planTlsRoutes, type TlsGate } from "./tls/tls-gate.ts";

/** What the requests of one bind point are served by. */
export interface PortPlan {
  readonly router: Router;
  /** Every rule that `router` finds and that forwards has one. */
  planOf(rule: Rule): RulePlan;
  /** How copies of the rule's requests find an endpoint of a mirror's backend. */
  mirrorPlanOf(rule: Rule, backend: string): RulePlan;
  /**
   * Equal for listeners that are one to clients, having one hostname and asking the same of them; undefined: the port has
   * no such listener.
   */
  doorOf(listener: string): string | undefined;
  /** Whom server names lead to; undefined: the port speaks no TLS. */
  readonly gate: TlsGate | undefined;
}

export class ServingPlan {
  readonly snapshot: Snapshot;
  readonly backends: BackendStates;
  readonly terminators: Terminators;
  readonly ports: ReadonlyMap<string, PortPlan>;
  readonly routers: PortRouters;
  /** Of all rules that forward. */
  readonly plans: ReadonlyMap<Rule, RulePlan>;

  constructor(
    snapshot: Snapshot,
    backends: BackendStates,
    terminators: Terminators,
    ports: ReadonlyMap<string, PortPlan>,
    routers: PortRouters,
    plans: ReadonlyMap<Rule, RulePlan>,
  ) {
    this.snapshot = snapshot;
    this.backends = backends;
    this.terminators = terminators;
    this.ports = ports;
    this.routers = routers;
    this.plans = plans;
  }
}

/** Serves nothing: every request gets 404. */
export const EMPTY_PORT_PLAN: PortPlan = {
  router: compileRouter([], []),
  planOf: () => {
    throw new Error("an empty plan has no rules");
  },
  mirrorPlanOf: () => {
    throw new Error("an empty plan has no rules");
  },
  doorOf: () => undefined,
  gate: undefined,
};

/** What an engine starts with: no port, and stores of hash tables and TLS contexts of its own. */
export function emptyServingPlan(clock: Pick<Clock, "wallMs">): ServingPlan {
  return new ServingPlan(
    EMPTY_SNAPSHOT,
    BackendStates.empty(() => clock.wallMs()),
    Terminators.none(),
    new Map(),
    new Map(),
    new Map(),
  );
}

/** A serving plan in the making; what `previous` has in common with it is taken over. */
export class ServingPlanBuild implements Steps {
  readonly #work: Generator<void, ServingPlan>;
  #shouldYield: () => boolean = () => false;
  readonly #isTimeUp = () => this.#shouldYield();
  #plan: ServingPlan | undefined;

  constructor(snapshot: Snapshot, previous: ServingPlan) {
    this.#work = this.#build(snapshot, previous);
  }

  /** Undefined until `step` has answered true. */
  get plan(): ServingPlan | undefined {
    return this.#plan;
  }

  step(shouldYield: () => boolean): boolean {
    this.#shouldYield = shouldYield;
    while (this.#plan === undefined) {
      const { done, value } = this.#work.next();
      if (done) this.#plan = value;
      else if (shouldYield()) return false;
    }
    return true;
  }

  *#build(snapshot: Snapshot, previous: ServingPlan): Generator<void, ServingPlan> {
    const backends = yield* previous.backends.updating(snapshot.backends);
    const plans = new Map<Rule, RulePlan>();
    for (const route of snapshot.routes) {
      for (const rule of route.rules) {
        if (rule.action.kind !== "forward") continue;
        plans.set(rule, keepPlan(previous.plans.get(rule), backends) ?? planRule(rule, backends));
      }
      yield;
    }
    const terminators = yield* previous.terminators.updating(snapshot.listeners);
    const tlsRoutes = yield* planTlsRoutes(snapshot.tlsRoutes, backends);
    const ports = new Map<string, PortPlan>();
    const mirrors = new MirrorPlans(backends);
    const points = bindPoints(snapshot);
    const change = { before: previous.snapshot, after: snapshot, routers: previous.routers };
    const routers = yield* buildRouters(points, change, this.#isTimeUp);
    for (const point of points) {
      const router = routers.get(point.key)?.router ?? EMPTY_PORT_PLAN.router;
      const gate = yield* buildGate(point.listeners, tlsRoutes, terminators);
      ports.set(point.key, portPlan(point.listeners, router, gate, plans, mirrors));
    }
    for (const table of backends.unbuiltTables(previous.backends)) yield* this.#table(table);
    return new ServingPlan(snapshot, backends, terminators, ports, routers, plans);
  }

  *#table(table: PendingTable): Generator<void, void> {
    while (!table.step(this.#shouldYield)) yield;
  }
}

/** Apart from the generator: a function made within it would keep alive what that works with, the plan before included. */
function portPlan(
  listeners: readonly Listener[],
  router: Router,
  gate: TlsGate | undefined,
  plans: ReadonlyMap<Rule, RulePlan>,
  mirrors: MirrorPlans,
): PortPlan {
  const doors = new Map(
    listeners.map(({ id, hostname, tls }) => [id, `${hostname ?? "*"} ${demandOf(tls)}`]),
  );
  return {
    router,
    planOf: (rule) => plans.get(rule) as RulePlan,
    mirrorPlanOf: (rule, backend) => mirrors.planOf(rule, backend),
    doorOf: (listener) => doors.get(listener),
    gate,
  };
}
