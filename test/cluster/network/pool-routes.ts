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

/** What the router does: nobody is told of a shorter path, past it. */
const FORWARDING = [
  "echo 1 >/proc/sys/net/ipv4/ip_forward",
  // By ports too, not by addresses alone: else all connections of a client go to one replica.
  "echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy",
  "echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects",
  "echo 0 >/proc/sys/net/ipv4/conf/eth0/send_redirects",
].join("; ");

/**
 * Connections to a pool's addresses are spread over the pods that serve it, by addresses and ports. A pod that comes or
 * goes moves no living connection of the others (a resilient next hop group). The router has a namespace of its own: where
 * clients are, the kernel chooses for a socket, and chooses anew, in the middle of a connection, when a link goes.
 */
export class PoolRoutes {
  readonly #bridge: string;
  readonly #addRouter: () => Promise<PodInterface>;
  readonly #pools = new Map<string, Pool>();
  #router: PodInterface | undefined;
  #lastId = 0;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param addRouter gives it a place on the bridge */
  constructor(bridge: string, addRouter: () => Promise<PodInterface>) {
    this.#bridge = bridge;
    this.#addRouter = addRouter;
  }

  /** Lets the pod bind and answer every address of the pool, without any of them being assigned one by one. */
  async prepare(cidr: string, { namespace }: PodInterface): Promise<void> {
    await ip([`route add local ${cidr} dev lo`], namespace);
  }

  announce(cidr: string, { address }: PodInterface): Promise<void> {
    return this.#inOrder(async () => {
      this.#router ??= await this.#makeRouter();
      const { namespace, address: via } = this.#router;
      const pool = this.#pools.get(cidr) ?? { group: this.#nextId(), hops: new Map<string, number>() };
      if (pool.hops.has(address)) return;
      const hop = this.#nextId();
      await ip([`nexthop add id ${hop} via ${address} dev eth0`], namespace);
      pool.hops.set(address, hop);
      await ip(groupCommands(cidr, pool), namespace);
      if (!this.#pools.has(cidr)) await ip([`route add ${cidr} via ${via} dev ${this.#bridge}`]);
      this.#pools.set(cidr, pool);
    });
  }

  withdraw(cidr: string, { address }: PodInterface): Promise<void> {
    return this.#inOrder(async () => {
      const pool = this.#pools.get(cidr);
      const hop = pool?.hops.get(address);
      if (this.#router === undefined || pool === undefined || hop === undefined) return;
      const { namespace } = this.#router;
      pool.hops.delete(address);
      if (pool.hops.size === 0) {
        this.#pools.delete(cidr);
        await ip([`route del ${cidr}`]);
        const gone = [`route del ${cidr}`, `nexthop del id ${pool.group}`, `nexthop del id ${hop}`];
        await ip(gone, namespace);
      } else {
        await ip([...groupCommands(cidr, pool), `nexthop del id ${hop}`], namespace);
      }
    });
  }

  async #makeRouter(): Promise<PodInterface> {
    const router = await this.#addRouter();
    await ip([`netns exec ${router.namespace} sh -ec "${FORWARDING}"`]);
    return router;
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => {});
    return done;
  }
}

function groupCommands(cidr: string, { group, hops }: Pool): string[] {
  const members = [...hops.values()].join("/");
  return [
    `nexthop replace id ${group} group ${members} type resilient buckets ${BUCKETS} idle_timer ${IDLE_SEC}`,
    `route replace ${cidr} nhid ${group}`,
  ];
}
