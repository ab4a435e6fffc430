// Routes to pools of addresses that pods announce: what a router before a bare-metal cluster does.
import { ip } from "./ip.ts";
import type { PodInterface } from "./pod-network.ts";

/** A connection that was quiet for so long may move to another replica when replicas come. */
const IDLE_SEC = 120;
const BUCKETS = 128;

interface Pool {
  readonly group: number;
  /** Pod address -> id of its next hop. */
  readonly hops: Map<string, number>;
}

/**
 * Connections to a pool's addresses are spread over the pods that serve it, by addresses and ports. A pod that comes or
 * goes moves no living connection of the others (a resilient next hop group).
 */
export class PoolRoutes {
  readonly #bridge: string;
  readonly #firstId: number;
  readonly #pools = new Map<string, Pool>();
  #lastId = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(bridge: string, slice: number) {
    this.#bridge = bridge;
    this.#firstId = (slice + 1) * 100_000;
  }

  /** Lets the pod bind and answer every address of the pool, without any of them being assigned one by one. */
  async prepare(cidr: string, { namespace }: PodInterface): Promise<void> {
    await ip([`route add local ${cidr} dev lo`], namespace);
  }

  announce(cidr: string, { address }: PodInterface): Promise<void> {
    return this.#inOrder(async () => {
      const pool = this.#pools.get(cidr) ?? { group: this.#nextId(), hops: new Map<string, number>() };
      if (pool.hops.has(address)) return;
      const hop = this.#nextId();
      await ip([`nexthop add id ${hop} via ${address} dev ${this.#bridge}`]);
      pool.hops.set(address, hop);
      this.#pools.set(cidr, pool);
      await this.#write(cidr, pool);
    });
  }

  withdraw(cidr: string, { address }: PodInterface): Promise<void> {
    return this.#inOrder(async () => {
      const pool = this.#pools.get(cidr);
      const hop = pool?.hops.get(address);
      if (pool === undefined || hop === undefined) return;
      pool.hops.delete(address);
      if (pool.hops.size === 0) {
        this.#pools.delete(cidr);
        await ip([`route del ${cidr}`, `nexthop del id ${pool.group}`, `nexthop del id ${hop}`]);
      } else {
        await this.#write(cidr, pool);
        await ip([`nexthop del id ${hop}`]);
      }
    });
  }

  async #write(cidr: string, { group, hops }: Pool): Promise<void> {
    const members = [...hops.values()].join("/");
    await ip([
      `nexthop replace id ${group} group ${members} type resilient buckets ${BUCKETS} idle_timer ${IDLE_SEC}`,
      `route replace ${cidr} nhid ${group}`,
    ]);
  }

  #nextId(): number {
    return this.#firstId + ++this.#lastId;
  }

  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => {});
    return done;
  }
}
