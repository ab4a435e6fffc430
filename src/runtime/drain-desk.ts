// Takes operators' words about endpoints that are to drain, and tells who drains and what goes on there.
import { nearestName } from "../dialects/schema/near-names.ts";
import type { Backend, Endpoint } from "../model/index.ts";
import type { MetricSample } from "../telemetry/index.ts";
import type { Drains } from "./drains.ts";

/** One endpoint that drains, as the admin port and `limpet drain` tell it. */
export interface DrainingEndpoint {
  /** `ip:port` */
  readonly endpoint: string;
  /** Name of the pod or host. */
  readonly hostname: string | null;
  /** Ids of the backends that have it; none: it is gone. */
  readonly backends: readonly string[];
  /** RFC 3339. */
  readonly since: string;
  /** Who says so; an operator's word can be taken back. */
  readonly by: "operator" | "discovery";
  /** Requests and tunnels, of all workers of this gateway. */
  readonly requestsInFlight: number;
  /** Requests of sessions lately: one counts half after 20 seconds. */
  readonly sessionRequests: number;
}

/** Nothing is called that. */
export class UnknownEndpoint extends Error {
  /** What may have been meant. */
  readonly near: readonly string[];

  constructor(message: string, near: readonly string[]) {
    super(message);
    this.name = "UnknownEndpoint";
    this.near = near;
  }
}

export interface DrainDeskOptions {
  readonly drains: Drains;
  readonly live: {
    readonly backends: readonly Backend[];
    /** Resolves when the workers serve it. */
    drainsChanged(): Promise<void>;
  };
  /** What the workers count. */
  readonly samples: () => Promise<readonly MetricSample[]>;
  readonly nowMs: () => number;
}

/** Names are addresses (`ip:port`), hosts (`ip`, which is all its ports) or names of pods and hosts. */
export class DrainDesk {
  readonly #options: DrainDeskOptions;

  constructor(options: DrainDeskOptions) {
    this.#options = options;
  }

  /** Every endpoint that drains, whoever says so, in the order of the backends; last those that are gone. */
  async list(): Promise<readonly DrainingEndpoint[]> {
    const { drains, live, samples, nowMs } = this.#options;
    const counts = countsByEndpoint(await samples());
    const places = new Map<string, { endpoint: Endpoint; backends: string[] }>();
    for (const { id, endpoints } of live.backends) {
      for (const endpoint of endpoints) {
        if (endpoint.health !== "draining" && !drains.isOrdered(endpoint)) continue;
        const known = places.get(endpoint.address);
        if (known === undefined) places.set(endpoint.address, { endpoint, backends: [id] });
        else known.backends.push(id);
      }
    }
    const present = [...places.values()].map(({ endpoint, backends }): DrainingEndpoint => {
      const sinceMs = drains.sinceMs(endpoint, nowMs()) ?? nowMs();
      return {
        endpoint: endpoint.address,
        hostname: endpoint.hostname ?? null,
        backends,
        since: new Date(sinceMs).toISOString(),
        by: drains.isOrdered(endpoint) ? "operator" : "discovery",
        requestsInFlight: counts.get(endpoint.address)?.inFlight ?? 0,
        sessionRequests: counts.get(endpoint.address)?.sessions ?? 0,
      };
    });
    const gone = drains.orders
      .filter(({ address }) => !places.has(address))
      .map(
        ({ address, hostname, sinceMs }): DrainingEndpoint => ({
          endpoint: address,
          hostname: hostname ?? null,
          backends: [],
          since: new Date(sinceMs).toISOString(),
          by: "operator",
          requestsInFlight: 0,
          sessionRequests: 0,
        }),
      );
    return [...present, ...gone];
  }

  /** Resolves with the endpoints of that name, once no worker sends new sessions there. Rejects with UnknownEndpoint. */
  async start(name: string): Promise<readonly DrainingEndpoint[]> {
    const { drains, live, nowMs } = this.#options;
    const endpoints = live.backends.flatMap((backend) => backend.endpoints);
    const called = endpoints.filter((endpoint) => isCalled(endpoint, name));
    if (called.length === 0) throw unknown(name, endpoints, `no backend has an endpoint called ${name}`);
    drains.order(called, nowMs());
    await live.drainsChanged();
    return this.#listOf(new Set(called.map(({ address }) => address)));
  }

  /** Takes an operator's word back; resolves with what it was about. Rejects with UnknownEndpoint. */
  async end(name: string): Promise<readonly DrainingEndpoint[]> {
    const { drains, live } = this.#options;
    const orders = drains.orders.map((order) => ({ ...order, host: hostOf(order.address) }));
    const addresses = orders.filter((order) => isCalled(order, name)).map(({ address }) => address);
    if (addresses.length === 0) throw unknown(name, orders, `no operator has ${name} drain`);
    const ended = await this.#listOf(new Set(addresses));
    drains.lift(addresses);
    await live.drainsChanged();
    return ended;
  }

  async #listOf(addresses: ReadonlySet<string>): Promise<readonly DrainingEndpoint[]> {
    return (await this.list()).filter(({ endpoint }) => addresses.has(endpoint));
  }
}

type Called = Pick<Endpoint, "address" | "host"> & { readonly hostname?: string | undefined };

function isCalled({ address, host, hostname }: Called, name: string): boolean {
  return name === address || name === host || name === `[${host}]` || name === hostname;
}

/** `10.0.0.1` of `10.0.0.1:80`, `::1` of `[::1]:80`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}

function unknown(name: string, endpoints: readonly Called[], message: string): UnknownEndpoint {
  const names = new Set(endpoints.flatMap(({ address, hostname = address }) => [hostname, address]));
  const nearest = nearestName(name, [...names]);
  return new UnknownEndpoint(message, nearest === undefined ? [] : [nearest]);
}

function countsByEndpoint(samples: readonly MetricSample[]) {
  const counts = new Map<string, { inFlight: number; sessions: number }>();
  for (const { name, labels, value } of samples) {
    if (name !== "limpet_draining_requests" && name !== "limpet_draining_session_requests") continue;
    const endpoint = labels["endpoint"] ?? "";
    const count = counts.get(endpoint) ?? { inFlight: 0, sessions: 0 };
    if (name === "limpet_draining_requests") count.inFlight += value;
    else count.sessions += value;
    counts.set(endpoint, count);
  }
  return counts;
}
