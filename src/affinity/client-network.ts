// Which network a client's address belongs to: what affinity by source address hashes.
import { formatIp, parseIp } from "../model/index.ts";

/**
 * The lowest address of the network, in canonical text, so that a prefix of full length leaves the address itself:
 * exactly the bytes that Envoy hashes. An IPv4 address that is written as IPv6 counts as IPv4. What is no address stays
 * as it is.
 */
export function clientNetwork(ip: string, v4PrefixBits = 32, v6PrefixBits = 128): string {
  if (v4PrefixBits === 32 && !ip.includes(":")) return ip;
  const written = parseIp(ip);
  if (written === undefined) return ip;
  const bytes = isMappedV4(written) ? written.slice(12) : written;
  const prefixBits = bytes.length === 4 ? v4PrefixBits : v6PrefixBits;
  return formatIp(bytes.map((byte, index) => byte & leadingBits(prefixBits - 8 * index)));
}

/** `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
function isMappedV4(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.every((byte, index) => index > 11 || byte === (index < 10 ? 0 : 0xff));
}

/** A byte with so many leading ones, at least 0 and at most 8 of them. */
function leadingBits(count: number): number {
  return (0xff00 >> Math.min(8, Math.max(0, count))) & 0xff;
}
