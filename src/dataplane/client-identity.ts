// Who the client is: the TCP peer, unless proxies that the operator trusts stand in between.
import { BlockList, isIP, SocketAddress } from "node:net";
import type { Client } from "../affinity/decision.ts";
import type { RequestHead } from "../model/index.ts";
import type { DataplaneOptions } from "./options.ts";
import type { ConnectionInfo } from "./stream.ts";

/** Answers that are remembered, since checking an address against networks costs about a microsecond. */
const MAX_REMEMBERED = 4096;

/**
 * An address on the way is trusted when it is one of the first `trustedHops` (the TCP peer being the first) or lies in
 * `trustedProxies`. The client is the first one that is not, walking `X-Forwarded-For` from its end.
 */
export class ClientIdentity {
  readonly #hops: number;
  readonly #networks: BlockList | undefined;
  readonly #remembered = new Map<string, boolean>();

  /** Throws on what is not a network in CIDR notation. */
  constructor(options: Pick<DataplaneOptions, "trustedProxies" | "trustedHops">) {
    this.#hops = options.trustedHops;
    this.#networks = options.trustedProxies.length === 0 ? undefined : networksOf(options.trustedProxies);
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
    if (this.#networks === undefined) return false;
    let known = this.#remembered.get(ip);
    if (known === undefined) {
      known = this.#networks.check(ip, ip.includes(":") ? "ipv6" : "ipv4");
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(ip, known);
    }
    return known;
  }
}

function networksOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", prefix] = cidr.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const longest = family === "ipv6" ? 128 : 32;
    const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (isIP(address) === 0 || bits < 0 || bits > longest) {
      throw new RangeError(`${cidr} is no network: expected an address and a prefix such as 10.0.0.0/8`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

const MAPPED_PREFIX = "::ffff:";

/** The text that the kernel would print for the address, IPv4-mapped ones as IPv4; undefined for anything else. */
export function canonicalIp(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  // A zone names an interface of another machine.
  if (family === 0 || text.includes("%")) return undefined;
  const { address } = new SocketAddress({ address: text, family: "ipv6" });
  return address.startsWith(MAPPED_PREFIX) && isIP(address.slice(MAPPED_PREFIX.length)) === 4
    ? address.slice(MAPPED_PREFIX.length)
    : address;
}
