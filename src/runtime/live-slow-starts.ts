// Remembers since when the endpoints of a backend serve, so that those which just began are started slowly.
import type { Backend, Endpoint } from "../model/index.ts";

/** `pending`: its first check is under way. */
export type Service = "serving" | "pending" | "down";

/** Serves and needs no sparing. */
const ESTABLISHED = Number.NEGATIVE_INFINITY;
/** There from the beginning, with its first check under way. */
const AWAITED = "awaited";
const DOWN = "down";

/** By address: the moment when it began to serve, or what it is waiting for. */
type Since = Map<string, number | typeof AWAITED | typeof DOWN>;

/**
 * One backend with slow start. The endpoints that it begins with have nobody beside them who could spare them, and
 * so they start at once; whoever comes later, or comes back, starts slowly.
 */
export class SlowStarts {
  #since: Since = new Map();
  #isNew = true;

  /** Takes note of who serves now. */
  update(backend: Backend, serviceOf: (endpoint: Endpoint) => Service, nowMs: number): void {
    const since: Since = new Map();
    for (const endpoint of backend.endpoints) {
      const known = this.#since.get(endpoint.address);
      const isAwaited = this.#isNew || known === AWAITED;
      const service = serviceOf(endpoint);
      if (service === "serving") {
        since.set(endpoint.address, typeof known === "number" ? known : isAwaited ? ESTABLISHED : nowMs);
      } else {
        since.set(endpoint.address, service === "pending" && isAwaited ? AWAITED : DOWN);
      }
    }
    this.#since = since;
    this.#isNew = false;
  }

  /** Undefined: no slow start is under way. */
  sinceMs(address: string, windowMs: number, nowMs: number): number | undefined {
    const since = this.#since.get(address);
    return typeof since === "number" && nowMs - since < windowMs ? since : undefined;
  }

  /** When the next slow start is over; Infinity: none is under way. */
  nextEndMs(windowMs: number, nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const since of this.#since.values()) {
      if (typeof since === "number" && nowMs - since < windowMs) next = Math.min(next, since + windowMs);
    }
    return next;
  }
}
