// The two ends of a client's connection in canonical text.
import type { Socket } from "node:net";
import type { ConnectionInfo } from "../stream.ts";

export function connectionInfo(socket: Socket): ConnectionInfo {
  const peerIp = canonicalIp(socket.remoteAddress ?? "");
  const localPort = socket.localPort ?? 0;
  return {
    peerAddress: `${bracketed(peerIp)}:${socket.remotePort ?? 0}`,
    peerIp,
    localAddress: `${bracketed(canonicalIp(socket.localAddress ?? ""))}:${localPort}`,
    localPort,
    tls: "encrypted" in socket,
  };
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.1`: they are IPv4 all the same. */
function canonicalIp(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function bracketed(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}
