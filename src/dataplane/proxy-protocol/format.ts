// Writes the PROXY header that tells an endpoint whose connection it got (HAProxy's proxy-protocol.txt, versions 1 and 2).
import { isIPv6 } from "node:net";

const SIGNATURE: Buffer = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Version 2, whose addresses are to be used (PROXY) or not (LOCAL: the gateway asks by itself). */
const PROXY = 0x21;
const LOCAL = 0x20;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNSPECIFIED = 0x00;

/**
 * @param source the client, `ip:port` with IPv6 in brackets; undefined: the gateway asks by itself
 * @param destination what the client connected to, in the same form
 */
export function formatProxyHeader(
  version: "v1" | "v2",
  source: string | undefined,
  destination: string | undefined,
): Buffer {
  const from = source === undefined ? undefined : splitAddress(source);
  const to = destination === undefined ? undefined : splitAddress(destination);
  if (from === undefined || to === undefined)
    return version === "v1" ? textHeader("UNKNOWN") : binaryHeader(LOCAL);
  // Both ends must be of one family: an IPv4 address beside an IPv6 one is written as IPv6.
  const isV6 = isIPv6(from.ip) || isIPv6(to.ip);
  if (isV6) {
    from.ip = mapped(from.ip);
    to.ip = mapped(to.ip);
  }
  if (version === "v1") {
    return textHeader(`${isV6 ? "TCP6" : "TCP4"} ${from.ip} ${to.ip} ${from.port} ${to.port}`);
  }
  const ports = Buffer.allocUnsafe(4);
  ports.writeUInt16BE(from.port, 0);
  ports.writeUInt16BE(to.port, 2);
  const bytes = isV6 ? ipv6Bytes : ipv4Bytes;
  return binaryHeader(PROXY, isV6 ? TCP6 : TCP4, Buffer.concat([bytes(from.ip), bytes(to.ip), ports]));
}

function textHeader(text: string): Buffer {
  return Buffer.from(`PROXY ${text}\r\n`, "latin1");
}

function binaryHeader(command: number, family = UNSPECIFIED, addresses: Buffer = Buffer.alloc(0)): Buffer {
  const { length } = addresses;
  return Buffer.concat([SIGNATURE, Buffer.of(command, family, length >> 8, length & 0xff), addresses]);
}

function splitAddress(address: string): { ip: string; port: number } {
  const colon = address.lastIndexOf(":");
  // A zone names an interface of this machine: it means nothing to the endpoint.
  const ip = address.slice(0, colon).replace(/^\[|(%.*)?\]$/g, "");
  return { ip, port: Number(address.slice(colon + 1)) };
}

function mapped(ip: string): string {
  return isIPv6(ip) ? ip : `::ffff:${ip}`;
}

function ipv4Bytes(ip: string): Buffer {
  return Buffer.from(ip.split(".").map(Number));
}

/** 16 bytes; the last 32 bits may be written as IPv4. */
function ipv6Bytes(ip: string): Buffer {
  const [head = "", tail] = ip.split("::");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const bytes = Buffer.alloc(16);
  for (const [at, byte] of front.entries()) bytes[at] = byte;
  for (const [at, byte] of back.entries()) bytes[16 - back.length + at] = byte;
  return bytes;
}

function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
