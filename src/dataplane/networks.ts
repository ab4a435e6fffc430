// Networks in CIDR notation, and whether an address lies in one of them.
import { BlockList, isIP, SocketAddress } from "node:net";

/** Answers that are remembered, since checking an address against networks costs about a microsecond. */
const MAX_REMEMBERED = 4096;

export class Networks {
  readonly #list: BlockList;
  readonly #remembered = new Map<string, boolean>();

  /** Throws on what is not a network in CIDR notation. */
  constructor(cidrs: readonly string[]) {
    this.#list = blockList(cidrs);
  }

  /** `ip`: canonical text. */
  has(ip: string): boolean {
    let known = this.#remembered.get(ip);
    if (known === undefined) {
      known = this.#list.check(ip, ip.includes(":") ? "ipv6" : "ipv4");
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(ip, known);
    }
    return known;
  }
}

function blockList(cidrs: readonly string[]): BlockList {
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
