// Remembers since when the endpoints of a backend serve, so that those which just began can be spared.
import type { Backend, Endpoint } from "../model/index.ts";

/** `pending`: its first check is under way. */
export type Service = "serving" | "pending" | "down";

/** Serves and needs no sparing. */
const ESTABLISHED = Number.NEGATIVE_INFINITY;
/** There from the beginning, with its first check under way. */
const AWAITED = "awaited";
const DOWN = "down";

/** By who has which address: the moment when it began to serve, or what it is waiting for. */
type Since = Map<string, number | typeof AWAITED | typeof DOWN>;

/**
 * One backend. The endpoints that it begins with have nobody beside them who could spare them, and so they start at once;
 * whoever comes later, or comes back, is new for a while.
 */
export class ServiceStarts {
  #since: Since = new Map();
  #isNew = true;

  /**
   * Takes note of who serves now. A clock that was set back makes nobody new again: whoever was spared for `windowMs` is
   * through with it, and whoever was not yet is spared as if it had just begun.
   */
  update(
    backend: Backend,
    serviceOf: (endpoint: Endpoint) => Service,
    windowMs: number,
    nowMs: number,
  ): void {
    const since: Since = new Map();
    for (const endpoint of backend.endpoints) {
      const key = keyOf(endpoint);
      const known = this.#since.get(key);
      const isAwaited = this.#isNew || known === AWAITED;
      const service = serviceOf(endpoint);
      if (service === "serving") {
        const sinceMs = typeof known === "number" ? known : isAwaited ? ESTABLISHED : nowMs;
        since.set(key, nowMs - sinceMs >= windowMs ? ESTABLISHED : Math.min(sinceMs, nowMs));
      } else {
        since.set(key, service === "pending" && isAwaited ? AWAITED : DOWN);
      }
    }
    this.#since = since;
    this.#isNew = false;
  }

  /** Since when it serves; undefined: it does not, or is not new any more. */
  sinceMs(endpoint: Endpoint, windowMs: number, nowMs: number): number | undefined {
    const since = this.#since.get(keyOf(endpoint));
    return typeof since === "number" && nowMs - since < windowMs ? since : undefined;
  }

  /** When the next of them is not new any more; Infinity: none is. */
  nextEndMs(windowMs: number, nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const since of this.#since.values()) {
      if (typeof since === "number" && nowMs - since < windowMs) next = Math.min(next, since + windowMs);
    }
    return next;
  }
}

/** Another pod at the same address is another endpoint. */
function keyOf({ address, uid = "" }: Endpoint): string {
  return `${address} ${uid}`;
}
