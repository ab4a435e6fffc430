// Networks whose addresses Gateways get: which addresses are in them, and in which order they are given away.
import { formatIp, parseIp } from "../../model/index.ts";

interface AddressRange {
  readonly bytes: 4 | 16;
  readonly first: bigint;
  readonly last: bigint;
}

export class AddressPool {
  readonly #ranges: readonly AddressRange[];

  /** Throws a RangeError on what is not a network in CIDR notation. */
  constructor(networks: readonly string[]) {
    this.#ranges = networks.map(rangeOf);
  }

  has(address: string): boolean {
    const bytes = parseIp(address);
    if (bytes === undefined) return false;
    const number = numberOf(bytes);
    return this.#ranges.some((range) => {
      return range.bytes === bytes.length && range.first <= number && number <= range.last;
    });
  }

  /** Networks in the order in which they were given, each from its lowest address on; there may be very many. */
  *addresses(): Generator<string, undefined> {
    for (const { bytes, first, last } of this.#ranges) {
      for (let number = first; number <= last; number++) yield textOf(number, bytes);
    }
  }
}

/**
 * Without what no host may have: of IPv4 the network's own address and its broadcast address (RFC 922; there are none in
 * /31 and /32, RFC 3021), of IPv6 the anycast address of its routers (RFC 4291 section 2.6.1; none in /127 and /128,
 * RFC 6164).
 */
function rangeOf(network: string): AddressRange {
  const [text = "", prefix] = network.split("/");
  const address = parseIp(text);
  const width = (address?.length ?? 0) * 8;
  const length = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (address === undefined || length < 0 || length > width) {
    throw new RangeError(`${network} is no network: expected an address and a prefix such as 192.0.2.0/24`);
  }
  const free = BigInt(width - length);
  const lowest = (numberOf(address) >> free) << free;
  const highest = lowest + (1n << free) - 1n;
  const isV4 = address.length === 4;
  const reserves = free >= 2n;
  return {
    bytes: isV4 ? 4 : 16,
    first: reserves ? lowest + 1n : lowest,
    last: reserves && isV4 ? highest - 1n : highest,
  };
}

function numberOf(bytes: readonly number[]): bigint {
  let number = 0n;
  for (const byte of bytes) number = (number << 8n) | BigInt(byte);
  return number;
}

function textOf(number: bigint, length: 4 | 16): string {
  const bytes = Array.from({ length }, (_, index) =>
    Number((number >> BigInt(8 * (length - 1 - index))) & 0xffn),
  );
  return formatIp(bytes);
}
