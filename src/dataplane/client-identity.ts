// Who the client is: the TCP peer, unless proxies that the operator trusts stand in between.
import type { Client } from "../affinity/decision.ts";
import type { RequestHead } from "../model/index.ts";
import { canonicalIp, Networks } from "./networks.ts";
import type { DataplaneOptions } from "./options.ts";
import type { ConnectionInfo } from "./stream.ts";

/**
 * An address on the way is trusted when it is one of the first `trustedHops` (the TCP peer being the first) or lies in
 * `trustedProxies`. The client is the first one that is not, walking `X-Forwarded-For` from its end.
 */
export class ClientIdentity {
  readonly #hops: number;
  readonly #networks: Networks | undefined;

  /** Throws on what is not a network in CIDR notation. */
  constructor(options: Pick<DataplaneOptions, "trustedProxies" | "trustedHops">) {
    this.#hops = options.trustedHops;
    this.#networks = options.trustedProxies.length === 0 ? undefined : new Networks(options.trustedProxies);
  }

  identify(connection: ConnectionInfo, head: RequestHead): Client {
    const { peerAddress, localAddress, peerIp } = connection;
    const peerIsProxy = this.#isTrusted(peerIp, 0);
    const ip = peerIsProxy ? this.#behindProxies(peerIp, head) : peerIp;
    return { peerAddress, localAddress, ip, peerIsProxy };
  }

  #behindProxies(peerIp: string, head: RequestHead): string {
    const path = head.getAll("x-forwarded-for").join(",").split(",");
    let ip = peerIp;
    for (let hop = 0; hop < path.length && this.#isTrusted(ip, hop); hop++) {
      const next = canonicalIp((path[path.length - 1 - hop] as string).trim());
      if (next === undefined) break;
      ip = next;
    }
    return ip;
  }

  #isTrusted(ip: string, hop: number): boolean {
    if (hop < this.#hops) return true;
    return this.#networks?.has(ip) ?? false;
  }
}
