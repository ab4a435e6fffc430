// Binds a listening socket without accepting on it: the primary owns it, the workers listen on it.
import net from "node:net";
import { getSystemErrorName } from "node:util";

/** A bound TCP handle. It crosses process borders with `child.send(message, handle)`; a server listens on it. */
export interface ListeningSocket {
  /** For `child.send` and `server.listen`. */
  readonly handle: object;
  /** `ip:port` as bound; port 0 has become a real one. */
  readonly address: string;
  readonly port: number;
  close(): void;
}

/** Why an address could not be bound. `code` is the system's: EADDRINUSE, EACCES, EADDRNOTAVAIL, ... */
export class BindError extends Error {
  readonly code: string;

  constructor(code: string, address: string) {
    super(`cannot listen on ${address}: ${BIND_REASONS[code] ?? code}`);
    this.name = "BindError";
    this.code = code;
  }
}

const BIND_REASONS: Record<string, string> = {
  EADDRINUSE: "the port is taken",
  EACCES: "not permitted (ports below 1024 need a privilege)",
  EADDRNOTAVAIL: "this machine does not have the address",
};

interface TcpHandle {
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

type CreateServerHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  fd: number,
  flags: number,
) => TcpHandle | number;

const ALL_ADDRESSES_V6 = "::";
const ALL_ADDRESSES_V4 = "0.0.0.0";

/**
 * Binds `host` (an IP address) and `port`; undefined binds all addresses, `::` with IPv4 mapped into it, or 0.0.0.0
 * where the machine has no IPv6. Throws a BindError.
 */
export function bindSocket(host: string | undefined, port: number): ListeningSocket {
  if (host !== undefined) return bind(host, port);
  try {
    return bind(ALL_ADDRESSES_V6, port);
  } catch (error) {
    const noIpv6 =
      error instanceof BindError && ["EAFNOSUPPORT", "EINVAL", "EADDRNOTAVAIL"].includes(error.code);
    if (!noIpv6) throw error;
    return bind(ALL_ADDRESSES_V4, port);
  }
}

function bind(host: string, port: number): ListeningSocket {
  const family = net.isIP(host);
  if (family !== 4 && family !== 6) throw new TypeError(`${host} is not an IP address`);
  const handle = createServerHandle()(host, port, family, -1, 0);
  if (typeof handle === "number") throw new BindError(getSystemErrorName(handle), addressText(host, port));
  // libuv keeps EADDRINUSE of bind() back until somebody asks for the name or listens.
  const name: { address?: string; port?: number } = {};
  const status = handle.getsockname(name);
  if (status !== 0) {
    handle.close();
    throw new BindError(getSystemErrorName(status), addressText(host, port));
  }
  const boundPort = name.port as number;
  return {
    handle,
    address: addressText(name.address as string, boundPort),
    port: boundPort,
    close: () => handle.close(),
  };
}

/**
 * What `node:cluster` binds its sockets with; exported by node:net, but not documented. There is no documented way to
 * bind without accepting: a net.Server takes connections as soon as it listens, and these belong to the workers.
 */
function createServerHandle(): CreateServerHandle {
  const create = (net as unknown as { _createServerHandle?: CreateServerHandle })._createServerHandle;
  if (typeof create !== "function") {
    throw new Error(`Node.js ${process.version} has no net._createServerHandle; use Node.js 22 or 24`);
  }
  return create;
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
