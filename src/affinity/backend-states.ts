// The live side of backends: endpoints with their counters, who serves, and lookups that are made at first use.
import type { Backend, Endpoint, LoadBalancer } from "../model/index.ts";
import {
  LeastRequestLookup,
  RandomLookup,
  RoundRobinLookup,
  SharedLookup,
  type WeighedLookup,
} from "./balance.ts";
import type { BackendState, EndpointState, PendingTable } from "./decision.ts";
import { LeastLoadedLookup } from "./least-loaded.ts";
import type { EndpointLookup } from "./lookup.ts";
import { findServing, type Serving } from "./serving.ts";
import { SessionLoad } from "./session-load.ts";
import { SlowStartLookup } from "./slow-start.ts";
import { isHashing, TableLookup, TableStore } from "./table-store.ts";

/** Counts go on while the address stays; what discovery says is always the newest. */
class LiveEndpoint implements EndpointState {
  endpoint: Endpoint;
  active = 0;
  readonly sessions = new SessionLoad();

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }
}

interface OtherLookup {
  readonly balancer: LoadBalancer;
  readonly lookup: EndpointLookup;
  /** Asked for since the last snapshot came. */
  isUsed: boolean;
}

/** One backend, from the snapshot that brought it to the one that changes it. */
export class LiveBackend implements BackendState {
  readonly backend: Backend;
  readonly endpoints: readonly LiveEndpoint[];
  readonly byAddress: ReadonlyMap<string, LiveEndpoint>;
  readonly serving: Serving;
  readonly #tables: TableStore;
  readonly #wallMs: () => number;
  /** By the backend's own balancer. */
  #own: EndpointLookup | undefined;
  /** By balancers that references bring along, and by the load of sessions; a text of the balancer is the key. */
  readonly #others = new Map<string, OtherLookup>();
  #random: EndpointLookup | undefined;

  constructor(backend: Backend, previous: LiveBackend | undefined, tables: TableStore, wallMs: () => number) {
    this.backend = backend;
    this.endpoints = backend.endpoints.map((endpoint) => {
      const known = previous?.byAddress.get(endpoint.address);
      if (known === undefined) return new LiveEndpoint(endpoint);
      known.endpoint = endpoint;
      return known;
    });
    this.byAddress = new Map(this.endpoints.map((state) => [state.endpoint.address, state]));
    this.serving = findServing(this.endpoints, backend.panicThresholdPercent);
    this.#tables = tables;
    this.#wallMs = wallMs;
  }

  /**
   * How this balancer chooses among the endpoints that serve; there must be one. `forSessions`: what is chosen is where
   * a session begins, and so least request looks at sessions too.
   */
  lookup(balancer: LoadBalancer, forSessions = false): EndpointLookup {
    const byLoad = forSessions && balancer.kind === "leastRequest";
    if (balancer === this.backend.loadBalancer && !byLoad) {
      this.#own ??= this.#makeLookup(balancer);
      return this.#own;
    }
    const key = byLoad ? `sessions ${balancer.choiceCount}` : JSON.stringify(balancer);
    let other = this.#others.get(key);
    if (other === undefined) {
      const lookup = byLoad ? this.#leastLoaded(balancer.choiceCount) : this.#makeLookup(balancer);
      other = { balancer, lookup, isUsed: true };
      this.#others.set(key, other);
    }
    other.isUsed = true;
    return other.lookup;
  }

  /** Drops what the last snapshot's references did not ask for; plans that still use it hold it themselves. */
  forgetUnused(): void {
    for (const [key, other] of this.#others) {
      if (!other.isUsed) this.#others.delete(key);
      other.isUsed = false;
    }
  }

  /** For requests that have no hash. */
  get random(): EndpointLookup {
    this.#random ??= this.#overServing((endpoints) => new RandomLookup(endpoints));
    return this.#random;
  }

  /** Tables that are not built yet although their counterparts in `previous` are in use. */
  unbuiltTables(previous: LiveBackend): PendingTable[] {
    if (this.serving.endpoints.length === 0) return [];
    const balancers = [...previous.#others.values()]
      .filter(({ lookup }) => lookup.pending === undefined)
      .map(({ balancer }) => balancer);
    if (previous.#own !== undefined && previous.#own.pending === undefined) {
      balancers.push(this.backend.loadBalancer);
    }
    return balancers
      .filter(isHashing)
      .map((balancer) => this.lookup(balancer).pending)
      .filter((pending) => pending !== undefined);
  }

  #makeLookup(balancer: LoadBalancer): EndpointLookup {
    switch (balancer.kind) {
      case "ringHash":
      case "maglev":
        return new TableLookup(this.#tables, this.serving.endpoints, this.endpoints, balancer);
      case "leastRequest":
        return this.#overServing((endpoints) =>
          this.#slowly(new LeastRequestLookup(endpoints, balancer.choiceCount), endpoints),
        );
      case "roundRobin":
        return this.#overServing((endpoints) => this.#slowly(new RoundRobinLookup(endpoints), endpoints));
      case "random":
        return this.#overServing((endpoints) => new RandomLookup(endpoints));
    }
  }

  #leastLoaded(choiceCount: number): EndpointLookup {
    return this.#overServing((endpoints) =>
      this.#slowly(new LeastLoadedLookup(endpoints, choiceCount, this.#wallMs), endpoints),
    );
  }

  /** Costs nothing where no endpoint just began to serve. */
  #slowly(lookup: WeighedLookup, endpoints: readonly EndpointState[]): EndpointLookup {
    const { slowStart } = this.backend;
    return slowStart !== undefined &&
      endpoints.some(({ endpoint }) => endpoint.slowStartSinceMs !== undefined)
      ? new SlowStartLookup(lookup, endpoints, slowStart, this.#wallMs)
      : lookup;
  }

  #overServing(make: (endpoints: readonly EndpointState[]) => EndpointLookup): EndpointLookup {
    const { endpoints, degraded, percent } = this.serving;
    const lookup = make(endpoints);
    return degraded.length === 0 ? lookup : new SharedLookup(lookup, make(degraded), percent);
  }
}

/** The backends of one snapshot, by id. */
export class BackendStates {
  readonly #byId: ReadonlyMap<string, LiveBackend>;
  readonly #tables: TableStore;
  readonly #wallMs: () => number;

  private constructor(byId: ReadonlyMap<string, LiveBackend>, tables: TableStore, wallMs: () => number) {
    this.#byId = byId;
    this.#tables = tables;
    this.#wallMs = wallMs;
  }

  /** The state before any snapshot. `wallMs`, milliseconds since 1970, is what slow start goes by. */
  static empty(wallMs: () => number): BackendStates {
    return new BackendStates(new Map(), new TableStore(), wallMs);
  }

  /**
   * The state for the next snapshot; this one goes on working. A backend that is the same object is taken over as it
   * is; endpoints keep their counters by address, and tables are shared wherever their content is the same.
   */
  update(backends: readonly Backend[]): BackendStates {
    const work = this.updating(backends);
    let step = work.next();
    while (!step.done) step = work.next();
    return step.value;
  }

  /** `update` that stops after every backend, for callers that serve traffic meanwhile. */
  *updating(backends: readonly Backend[]): Generator<void, BackendStates> {
    this.#tables.sweep();
    const byId = new Map<string, LiveBackend>();
    for (const backend of backends) {
      const known = this.#byId.get(backend.id);
      const isSame = known?.backend === backend;
      if (isSame) known.forgetUnused();
      byId.set(backend.id, isSame ? known : new LiveBackend(backend, known, this.#tables, this.#wallMs));
      yield;
    }
    return new BackendStates(byId, this.#tables, this.#wallMs);
  }

  all(): Iterable<LiveBackend> {
    return this.#byId.values();
  }

  get(id: string): LiveBackend | undefined {
    return this.#byId.get(id);
  }

  /** Tables that requests will need at once, because `previous` uses their counterparts: build them before the swap. */
  unbuiltTables(previous: BackendStates): PendingTable[] {
    const unbuilt: PendingTable[] = [];
    for (const [id, live] of this.#byId) {
      const before = previous.#byId.get(id);
      if (before !== undefined && before !== live) unbuilt.push(...live.unbuiltTables(before));
    }
    return unbuilt;
  }
}
