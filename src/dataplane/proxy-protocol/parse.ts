// Reads the header that a proxy puts before a connection to tell whose it is: the PROXY protocol, versions 1 and 2.
import { isIPv4, isIPv6 } from "node:net";
import { canonicalIp } from "../networks.ts";

/** Bytes of a header: version 1 has 107 at most, version 2 may have extensions that nobody needs to be long. */
export const MAX_PROXY_HEADER = 4096;

/** The two ends of the connection that the proxy accepted; addresses in canonical text, IPv4-mapped ones as IPv4. */
export interface ProxiedAddresses {
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
}

export type ProxyHeaderResult =
  | { readonly kind: "incomplete" }
  /** `addresses`: undefined where the proxy speaks for itself (LOCAL, UNKNOWN). `size`: bytes of the header. */
  | { readonly kind: "header"; readonly addresses: ProxiedAddresses | undefined; readonly size: number }
  | { readonly kind: "malformed"; readonly problem: string };

const INCOMPLETE: ProxyHeaderResult = { kind: "incomplete" };

/** Section 2.2 of the protocol: bytes that no other protocol begins with. */
const SIGNATURE_V2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const SIGNATURE_V1 = Buffer.from("PROXY ", "latin1");
const MAX_LINE_V1 = 107;
const FIXED_V2 = 16;

/** @param bytes all that has come since the connection was opened */
export function readProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (startsLike(bytes, SIGNATURE_V2)) return bytes.length < FIXED_V2 ? INCOMPLETE : readV2(bytes);
  if (startsLike(bytes, SIGNATURE_V1)) return readV1(bytes);
  return malformed("it does not begin with a PROXY header");
}

function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const size = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, size, 0, size) === 0;
}

function malformed(problem: string): ProxyHeaderResult {
  return { kind: "malformed", problem };
}

function readV1(bytes: Buffer): ProxyHeaderResult {
  const line = bytes.toString("latin1", 0, MAX_LINE_V1);
  const end = line.indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_LINE_V1 ? INCOMPLETE : malformed("the line is too long");
  const size = end + 2;
  const words = line.slice(0, end).split(" ");
  const family = words[1];
  // Whatever follows UNKNOWN is to be ignored.
  if (family === "UNKNOWN") return { kind: "header", addresses: undefined, size };
  if (family !== "TCP4" && family !== "TCP6") return malformed("the family is neither TCP4 nor TCP6");
  const [, , source = "", destination = "", sourcePort = "", destinationPort = ""] = words;
  const isAddress = family === "TCP4" ? isIPv4 : isPlainIPv6;
  if (words.length !== 6 || !isAddress(source) || !isAddress(destination)) {
    return malformed("the addresses are not what the family says");
  }
  const ports = [sourcePort, destinationPort].map(portNumber);
  if (ports.includes(-1)) return malformed("a port is not a number up to 65535");
  const addresses = {
    sourceIp: canonicalIp(source) as string,
    sourcePort: ports[0] as number,
    destinationIp: canonicalIp(destination) as string,
    destinationPort: ports[1] as number,
  };
  return { kind: "header", addresses, size };
}

/** Without a zone. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

/** -1: not one. */
function portNumber(text: string): number {
  const port = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : -1;
  return port > 65_535 ? -1 : port;
}

/** Bytes of both addresses and both ports. */
const SIZE_TCP4 = 12;
const SIZE_TCP6 = 36;

function readV2(bytes: Buffer): ProxyHeaderResult {
  const command = bytes[12] as number;
  const family = bytes[13] as number;
  const length = bytes.readUInt16BE(14);
  const size = FIXED_V2 + length;
  // Version in the upper half; LOCAL is 0, PROXY is 1.
  if (command !== 0x20 && command !== 0x21) return malformed("the version or the command is unknown");
  if (size > MAX_PROXY_HEADER) return malformed("the header is too large");
  const isSpokenFor = command === 0x21 && family !== 0x00;
  if (isSpokenFor && family !== 0x11 && family !== 0x21) return malformed("the family is not TCP over IP");
  if (isSpokenFor && length < (family === 0x11 ? SIZE_TCP4 : SIZE_TCP6)) {
    return malformed("the addresses are cut off");
  }
  if (bytes.length < size) return INCOMPLETE;
  if (!isSpokenFor) return { kind: "header", addresses: undefined, size };
  return { kind: "header", addresses: family === 0x11 ? tcp4(bytes) : tcp6(bytes), size };
}

function tcp4(bytes: Buffer): ProxiedAddresses {
  const address = (at: number) => bytes.subarray(at, at + 4).join(".");
  return {
    sourceIp: address(16),
    destinationIp: address(20),
    sourcePort: bytes.readUInt16BE(24),
    destinationPort: bytes.readUInt16BE(26),
  };
}

function tcp6(bytes: Buffer): ProxiedAddresses {
  return {
    sourceIp: ipv6At(bytes, 16),
    destinationIp: ipv6At(bytes, 32),
    sourcePort: bytes.readUInt16BE(48),
    destinationPort: bytes.readUInt16BE(50),
  };
}

function ipv6At(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(at + 2 * index).toString(16));
  return canonicalIp(groups.join(":")) as string;
}
