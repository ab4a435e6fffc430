// The live side of backends: endpoints with their counters, who serves, and lookups that are made at first use.
import type { Backend, Endpoint, LoadBalancer } from "../model/index.ts";
import { LeastRequestLookup, RandomLookup, RoundRobinLookup, SharedLookup } from "./balance.ts";
import type { BackendState, EndpointState, PendingTable } from "./decision.ts";
import type { EndpointLookup } from "./lookup.ts";
import { findServing, type Serving } from "./serving.ts";
import { isHashing, TableLookup, TableStore } from "./table-store.ts";

/** Counts go on while the address stays; what discovery says is always the newest. */
class LiveEndpoint implements EndpointState {
  endpoint: Endpoint;
  active = 0;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }
}

/** One backend of one snapshot. */
export class LiveBackend implements BackendState {
  readonly backend: Backend;
  readonly endpoints: readonly LiveEndpoint[];
  readonly byAddress: ReadonlyMap<string, LiveEndpoint>;
  readonly serving: Serving;
  readonly #tables: TableStore;
  readonly #lookups = new Map<string, { balancer: LoadBalancer; lookup: EndpointLookup }>();
  #own: EndpointLookup | undefined;
  #random: EndpointLookup | undefined;

  constructor(backend: Backend, previous: LiveBackend | undefined, tables: TableStore) {
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
  }

  /** How this balancer chooses among the endpoints that serve; there must be one. */
  lookup(balancer: LoadBalancer): EndpointLookup {
    if (balancer === this.backend.loadBalancer) {
      this.#own ??= this.#lookup(balancer);
      return this.#own;
    }
    return this.#lookup(balancer);
  }

  /** For requests that have no hash. */
  get random(): EndpointLookup {
    this.#random ??= this.#overServing((endpoints) => new RandomLookup(endpoints));
    return this.#random;
  }

  /** Tables that are not built yet although their counterparts in `previous` are in use. */
  unbuiltTables(previous: LiveBackend): PendingTable[] {
    if (this.serving.endpoints.length === 0) return [];
    const unbuilt: PendingTable[] = [];
    for (const { balancer, lookup } of previous.#lookups.values()) {
      const isOwn = sameBalancer(balancer, previous.backend.loadBalancer);
      const successor = isOwn ? this.backend.loadBalancer : balancer;
      if (lookup.pending !== undefined || !isHashing(successor)) continue;
      const pending = this.lookup(successor).pending;
      if (pending !== undefined) unbuilt.push(pending);
    }
    return unbuilt;
  }

  #lookup(balancer: LoadBalancer): EndpointLookup {
    const key = JSON.stringify(balancer);
    const known = this.#lookups.get(key);
    if (known !== undefined) return known.lookup;
    const lookup = this.#makeLookup(balancer);
    this.#lookups.set(key, { balancer, lookup });
    return lookup;
  }

  #makeLookup(balancer: LoadBalancer): EndpointLookup {
    switch (balancer.kind) {
      case "ringHash":
      case "maglev":
        return new TableLookup(this.#tables, this.serving.endpoints, this.endpoints, balancer);
      case "leastRequest":
        return this.#overServing((endpoints) => new LeastRequestLookup(endpoints, balancer.choiceCount));
      case "roundRobin":
        return this.#overServing((endpoints) => new RoundRobinLookup(endpoints));
      case "random":
        return this.#overServing((endpoints) => new RandomLookup(endpoints));
    }
  }

  #overServing(make: (endpoints: readonly EndpointState[]) => EndpointLookup): EndpointLookup {
    const { endpoints, degraded, percent } = this.serving;
    const lookup = make(endpoints);
    return degraded.length === 0 ? lookup : new SharedLookup(lookup, make(degraded), percent);
  }
}

function sameBalancer(a: LoadBalancer, b: LoadBalancer): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** The backends of one snapshot, by id. */
export class BackendStates {
  readonly #byId: ReadonlyMap<string, LiveBackend>;
  readonly #tables: TableStore;

  private constructor(byId: ReadonlyMap<string, LiveBackend>, tables: TableStore) {
    this.#byId = byId;
    this.#tables = tables;
  }

  /** The state before any snapshot. */
  static empty(): BackendStates {
    return new BackendStates(new Map(), new TableStore());
  }

  /**
   * The state for the next snapshot; this one goes on working. A backend that is the same object is taken over as it
   * is; endpoints keep their counters by address, and tables are shared wherever their content is the same.
   */
  update(backends: readonly Backend[]): BackendStates {
    this.#tables.sweep();
    const byId = new Map<string, LiveBackend>();
    for (const backend of backends) {
      const known = this.#byId.get(backend.id);
      byId.set(
        backend.id,
        known?.backend === backend ? known : new LiveBackend(backend, known, this.#tables),
      );
    }
    return new BackendStates(byId, this.#tables);
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
