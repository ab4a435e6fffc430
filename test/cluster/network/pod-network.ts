// The network of a cluster: a bridge, and for each pod a namespace of its own with an address that all others reach.
import { ip } from "./ip.ts";
import { PoolRoutes } from "./pool-routes.ts";

export interface PodInterface {
  /** Name for `ip netns exec`. */
  readonly namespace: string;
  readonly address: string;
}

/** So many clusters fit into 10.244.0.0/16, each with 4,094 addresses. */
const SLICES = 16;
const PREFIX_LENGTH = 20;
const ADDRESSES = 2 ** (32 - PREFIX_LENGTH);

export class PodNetwork {
  /** Which slice of the addresses is the cluster's: 0 for the first in these namespaces. */
  readonly slice: number;
  /** Of the node: what runs outside of all pods, such as the API server. */
  readonly nodeAddress: string;
  readonly pools: PoolRoutes;
  readonly #taken = new Map<number, number>();
  #lastHost = 1;
  #lastLink = 0;

  private constructor(slice: number) {
    this.slice = slice;
    this.nodeAddress = this.#addressOf(1);
    this.pools = new PoolRoutes(this.#bridge, () => this.add());
  }

  static async create(): Promise<PodNetwork> {
    for (let slice = 0; slice < SLICES; slice++) {
      const network = new PodNetwork(slice);
      try {
        // The kernel says who is first. An own address: one of its links' would go with that link, and all pods would send
        // to nobody for a while.
        await ip([`link add ${network.#bridge} address ${network.#bridgeMac} type bridge`]);
      } catch (error) {
        if (String(error).includes("File exists")) continue;
        throw error;
      }
      await ip([
        `addr add ${network.nodeAddress}/${PREFIX_LENGTH} dev ${network.#bridge}`,
        `link set ${network.#bridge} up`,
        // A bridge without a link that is up has no carrier, and for a moment after the first pod's has come.
        `link add ${network.#outerName(0)} type veth peer name ${network.#outerName(0)}p`,
        `link set ${network.#outerName(0)}p up`,
        `link set ${network.#outerName(0)} master ${network.#bridge} up`,
      ]);
      return network;
    }
    throw new Error(`${SLICES} clusters are running here already`);
  }

  async add(): Promise<PodInterface> {
    const host = this.#freeHost();
    const link = ++this.#lastLink;
    this.#taken.set(host, link);
    const namespace = this.#namespaceOf(link);
    const outer = this.#outerName(link);
    await ip([
      `netns add ${namespace}`,
      `link add ${outer} type veth peer name eth0 netns ${namespace}`,
      `link set ${outer} master ${this.#bridge} up`,
    ]);
    const address = this.#addressOf(host);
    await ip(
      [
        `addr add ${address}/${PREFIX_LENGTH} dev eth0`,
        "link set lo up",
        "link set eth0 up",
        `route add default via ${this.nodeAddress}`,
      ],
      namespace,
    );
    return { namespace, address };
  }

  /** Its processes must have ended. The address is not given out again before all others were. */
  async remove({ namespace, address }: PodInterface): Promise<void> {
    const host = [...this.#taken.keys()].find((taken) => this.#addressOf(taken) === address);
    const link = host === undefined ? undefined : this.#taken.get(host);
    if (host === undefined || link === undefined) return;
    await ip([
      `link del ${this.#outerName(link)}`,
      `netns del ${namespace}`,
      // Or this end would go on believing in the address for half a minute.
      `neigh flush to ${address} dev ${this.#bridge}`,
    ]);
    this.#taken.delete(host);
  }

  /** Takes along what nobody removed: the next cluster of these namespaces has the same names. */
  async close(): Promise<void> {
    const links = [...this.#taken.values()];
    this.#taken.clear();
    for (const link of links) {
      // Each by itself, since of one that was never made whole only some is there; a namespace takes its links along.
      for (const command of [`link del ${this.#outerName(link)}`, `netns del ${this.#namespaceOf(link)}`]) {
        await ip([command]).catch(() => {});
      }
    }
    await ip([`link del ${this.#outerName(0)}`, `link del ${this.#bridge}`]);
  }

  get #bridge(): string {
    return `limpet${this.slice}`;
  }

  get #bridgeMac(): string {
    return `02:00:0a:f4:00:${this.slice.toString(16).padStart(2, "0")}`;
  }

  #namespaceOf(link: number): string {
    return `${this.#bridge}-${link}`;
  }

  #outerName(link: number): string {
    return `${this.#bridge}.${link}`;
  }

  #freeHost(): number {
    for (let tries = 0; tries < ADDRESSES; tries++) {
      // 0 is the network, 1 the node, the last one is broadcast's.
      this.#lastHost = this.#lastHost + 1 < ADDRESSES - 1 ? this.#lastHost + 1 : 2;
      if (!this.#taken.has(this.#lastHost)) return this.#lastHost;
    }
    throw new Error("no pod address is free");
  }

  #addressOf(host: number): string {
    const within = this.slice * ADDRESSES + host;
    return `10.244.${within >> 8}.${within & 0xff}`;
  }
}
