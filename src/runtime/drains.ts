// Which endpoints drain and since when, beyond what the configuration says: by an operator's word, or as first seen here.
import type { Backend, Endpoint } from "../model/index.ts";

/** What tells one endpoint from another that gets its address later. */
interface Place {
  readonly address: string;
  readonly uid?: string | undefined;
  readonly hostname?: string | undefined;
}

/** Plain data: it passes from one process to its successor. Times are wall clock, milliseconds. */
export interface DrainTime extends Place {
  readonly sinceMs: number;
  /** An operator asked for it; otherwise discovery says that the endpoint drains, and it was first seen then. */
  readonly ordered: boolean;
}

interface Order extends DrainTime {
  /** Since when no backend has the endpoint; undefined: one has it. */
  goneSinceMs: number | undefined;
}

/** An endpoint that comes back later than that is taken for another one. */
const FORGET_AFTER_MS = 10 * 60_000;

export class Drains {
  /** By address. */
  readonly #orders = new Map<string, Order>();
  /** When endpoints were first seen draining; by address. */
  #seen = new Map<string, DrainTime>();

  constructor(inherited: readonly DrainTime[] = []) {
    for (const time of inherited) {
      if (time.ordered) this.#orders.set(time.address, { ...time, goneSinceMs: undefined });
      else this.#seen.set(time.address, time);
    }
  }

  /** What a successor has to know. */
  get times(): readonly DrainTime[] {
    return [...[...this.#orders.values()].map(({ goneSinceMs: _, ...time }) => time), ...this.#seen.values()];
  }

  /** What operators asked for, whether the endpoint is there or not. */
  get orders(): readonly DrainTime[] {
    return [...this.#orders.values()];
  }

  /** An endpoint that is asked for again keeps its time. */
  order(endpoints: readonly Endpoint[], nowMs: number): void {
    for (const endpoint of endpoints) {
      if (this.#orderFor(endpoint) === undefined) {
        this.#orders.set(endpoint.address, { ...timeOf(endpoint, nowMs, true), goneSinceMs: undefined });
      }
    }
  }

  lift(addresses: readonly string[]): void {
    for (const address of addresses) this.#orders.delete(address);
  }

  isOrdered(endpoint: Endpoint): boolean {
    return this.#orderFor(endpoint) !== undefined;
  }

  /** Something is to be said about its endpoints. */
  concerns({ endpoints }: Backend): boolean {
    return endpoints.some(
      (endpoint) =>
        endpoint.health === "draining" || (this.#orders.size > 0 && this.#orderFor(endpoint) !== undefined),
    );
  }

  /** Since when the endpoint drains, the earliest of all that say so; undefined: it does not. */
  sinceMs(endpoint: Endpoint, nowMs: number): number | undefined {
    const orderedMs = this.#orderFor(endpoint)?.sinceMs;
    if (endpoint.health !== "draining") return orderedMs;
    const toldMs = endpoint.drainingSinceMs ?? this.#firstSeenMs(endpoint, nowMs);
    return orderedMs === undefined ? toldMs : Math.min(orderedMs, toldMs);
  }

  /** Forgets what none of these backends has any more, operators' words after some time. */
  retain(backends: readonly Backend[], nowMs: number): void {
    if (this.#orders.size === 0 && this.#seen.size === 0) return;
    const endpoints = backends.flatMap((backend) => backend.endpoints);
    const present = new Set<Order>();
    const seen = new Map<string, DrainTime>();
    for (const endpoint of endpoints) {
      const order = this.#orderFor(endpoint);
      if (order !== undefined) present.add(order);
      const time = this.#seen.get(endpoint.address);
      if (time !== undefined && endpoint.health === "draining" && isSame(time, endpoint)) {
        seen.set(endpoint.address, time);
      }
    }
    this.#seen = seen;
    for (const [address, order] of this.#orders) {
      if (!present.has(order)) order.goneSinceMs ??= nowMs;
      if (order.goneSinceMs === undefined) continue;
      if (nowMs - order.goneSinceMs > FORGET_AFTER_MS) this.#orders.delete(address);
      else if (present.has(order)) order.goneSinceMs = undefined;
    }
  }

  #orderFor(endpoint: Endpoint): Order | undefined {
    const order = this.#orders.get(endpoint.address);
    return order !== undefined && isSame(order, endpoint) ? order : undefined;
  }

  #firstSeenMs(endpoint: Endpoint, nowMs: number): number {
    const known = this.#seen.get(endpoint.address);
    if (known !== undefined && isSame(known, endpoint)) return known.sinceMs;
    this.#seen.set(endpoint.address, timeOf(endpoint, nowMs, false));
    return nowMs;
  }
}

function timeOf({ address, uid, hostname }: Endpoint, sinceMs: number, ordered: boolean): DrainTime {
  return { address, uid, hostname, sinceMs, ordered };
}

/** By what is surest of what both have. */
function isSame(one: Place, other: Place): boolean {
  if (one.address !== other.address) return false;
  if (one.uid !== undefined && other.uid !== undefined) return one.uid === other.uid;
  return one.hostname === undefined || other.hostname === undefined || one.hostname === other.hostname;
}
