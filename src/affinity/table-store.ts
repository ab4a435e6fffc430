// Keeps hash tables that several backends, routes or snapshots have in common, and builds each once, at first use.

import type { LoadBalancer } from "../model/index.ts";
import { type BoundedLoad, pickBounded } from "./bounded-load.ts";
import type { EndpointState, PendingTable } from "./decision.ts";
import { type HashTable, normalizeWeights, type TableBuilder, type TableHost } from "./hash-table.ts";
import type { Hash64 } from "./hash64.ts";
import type { EndpointLookup } from "./lookup.ts";
import { MaglevBuilder } from "./maglev.ts";
import { RingBuilder } from "./ring.ts";

export type HashingBalancer = LoadBalancer & { readonly kind: "ringHash" | "maglev" };

export function isHashing(balancer: LoadBalancer): balancer is HashingBalancer {
  return balancer.kind === "ringHash" || balancer.kind === "maglev";
}

/** A table that may not be built yet. */
export class LazyTable implements PendingTable {
  table: HashTable | undefined;
  readonly #hosts: readonly TableHost[];
  readonly #balancer: HashingBalancer;
  #builder: TableBuilder | undefined;

  constructor(hosts: readonly TableHost[], balancer: HashingBalancer) {
    this.#hosts = hosts;
    this.#balancer = balancer;
  }

  step(shouldYield: () => boolean): boolean {
    if (this.table !== undefined) return true;
    this.#builder ??=
      this.#balancer.kind === "maglev"
        ? new MaglevBuilder(this.#hosts, this.#balancer)
        : new RingBuilder(this.#hosts, this.#balancer);
    if (!this.#builder.step(shouldYield)) return false;
    this.table = this.#builder.table;
    this.#builder = undefined;
    return true;
  }
}

/** Tables by content: equal hosts, weights and settings share one. It holds no table that nobody uses any more. */
export class TableStore {
  readonly #tables = new Map<string, WeakRef<LazyTable>>();

  get(hosts: readonly TableHost[], balancer: HashingBalancer): LazyTable {
    const key = contentKey(hosts, balancer);
    const known = this.#tables.get(key)?.deref();
    if (known !== undefined) return known;
    const table = new LazyTable(hosts, balancer);
    this.#tables.set(key, new WeakRef(table));
    return table;
  }

  /** Forgets the names of tables that are gone. */
  sweep(): void {
    for (const [key, reference] of this.#tables) {
      if (reference.deref() === undefined) this.#tables.delete(key);
    }
  }
}

function contentKey(hosts: readonly TableHost[], balancer: HashingBalancer): string {
  const settings =
    balancer.kind === "maglev"
      ? `maglev ${balancer.tableSize}`
      : `ring ${balancer.minimumSize} ${balancer.maximumSize} ${balancer.hashFunction}`;
  return hosts.reduce((key, host) => `${key}\n${host.weight} ${host.key}`, settings);
}

/** Picks endpoints by a hash table, with bounded load where the balancer asks for it. */
export class TableLookup implements EndpointLookup {
  readonly #lazy: LazyTable;
  readonly #endpoints: readonly EndpointState[];
  readonly #bounds: BoundedLoad | undefined;

  /** `all`: every endpoint of the backend; `endpoints`: those that serve. */
  constructor(
    store: TableStore,
    endpoints: readonly EndpointState[],
    all: readonly EndpointState[],
    balancer: HashingBalancer,
  ) {
    const hosts = endpoints.map(({ endpoint }) => ({
      key: balancer.useHostname ? endpoint.hostname || endpoint.address : endpoint.address,
      weight: endpoint.weight,
    }));
    this.#lazy = store.get(hosts, balancer);
    this.#endpoints = endpoints;
    const factorPercent = balancer.balanceFactorPercent;
    if (factorPercent !== undefined) {
      this.#bounds = { endpoints, shares: normalizeWeights(hosts).shares, all, factorPercent };
    }
  }

  get pending(): PendingTable | undefined {
    return this.#lazy.table === undefined ? this.#lazy : undefined;
  }

  pick(hash: Hash64, attempt: number): EndpointState {
    const table = this.#lazy.table!;
    const index =
      this.#bounds === undefined
        ? table.pick(hash, attempt)
        : pickBounded(this.#bounds, table, hash, attempt);
    return this.#endpoints[index]!;
  }
}
