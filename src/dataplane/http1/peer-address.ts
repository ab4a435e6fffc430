// The two ends of a client's connection in canonical text.
import type { Socket } from "node:net";
import type { ProxiedAddresses } from "../proxy-protocol/parse.ts";
import type { ConnectionInfo } from "../stream.ts";

/** @param proxied the ends of the client's own connection, where a proxy has told them */
export function connectionInfo(socket: Socket, proxied?: ProxiedAddresses): ConnectionInfo {
  const peerIp = proxied?.sourceIp ?? peerIpOf(socket);
  const peerPort = proxied?.sourcePort ?? socket.remotePort ?? 0;
  const localIp = proxied?.destinationIp ?? unmapped(socket.localAddress ?? "");
  const localPort = proxied?.destinationPort ?? socket.localPort ?? 0;
  return {
    peerAddress: `${bracketed(peerIp)}:${peerPort}`,
    peerIp,
    localAddress: `${bracketed(localIp)}:${localPort}`,
    localPort,
    tls: false,
  };
}

export function peerIpOf(socket: Socket): string {
  return unmapped(socket.remoteAddress ?? "");
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.1`: they are IPv4 all the same. */
function unmapped(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

function bracketed(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}
