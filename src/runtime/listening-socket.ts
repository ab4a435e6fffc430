// Binds a listening socket without accepting on it: the primary owns it, the workers listen on it.
import net from "node:net";
import { getSystemErrorName } from "node:util";

/** An address that is bound, once or several times. */
export interface ListeningSocket {
  /**
   * For `child.send(message, handle)` and `server.listen(handle)`. Of several, each has a queue of its own, and the
   * kernel deals new connections out by a hash of both addresses.
   */
  readonly handles: readonly object[];
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
  listen(backlog: number): number;
  close(): void;
}

interface BoundHandle {
  readonly handle: TcpHandle;
  readonly host: string;
  readonly port: number;
}

type CreateServerHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  fd: number,
  flags: number,
) => TcpHandle | number;

/** libuv's UV_TCP_REUSEPORT: several sockets may be bound to one address. */
const REUSE_PORT = 2;
/** What libuv answers where the system has nothing of the kind, or nothing that balances. */
const NO_REUSE_PORT: readonly string[] = ["ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOPROTOOPT"];
const ALL_ADDRESSES_V6 = "::";
const ALL_ADDRESSES_V4 = "0.0.0.0";

/**
 * Binds `host` (an IP address) and `port`; undefined binds all addresses, as `::` does: with IPv4 mapped into it, or
 * 0.0.0.0 where the machine has no IPv6. One handle if `queues` is 1 or the system cannot bind several to one address. Throws
 * a BindError.
 */
export function bindSocket(host: string | undefined, port: number, queues = 1): ListeningSocket {
  if (host !== undefined && host !== ALL_ADDRESSES_V6) return bindQueues(host, port, queues);
  try {
    return bindQueues(ALL_ADDRESSES_V6, port, queues);
  } catch (error) {
    const noIpv6 =
      error instanceof BindError && ["EAFNOSUPPORT", "EINVAL", "EADDRNOTAVAIL"].includes(error.code);
    if (!noIpv6) throw error;
    return bindQueues(ALL_ADDRESSES_V4, port, queues);
  }
}

/** Takes over handles that another process has bound to one address. */
export function adoptSocket(handles: readonly object[]): ListeningSocket {
  return listeningSocket(handles.map((handle) => boundHandle(handle as TcpHandle, "an inherited socket")));
}

function bindQueues(host: string, port: number, queues: number): ListeningSocket {
  if (queues === 1) return listeningSocket([bind(host, port, 0)]);
  if (port !== 0) expectFree(host, port);
  const bound: BoundHandle[] = [];
  try {
    bound.push(bind(host, port, REUSE_PORT));
    const [first] = bound as [BoundHandle];
    while (bound.length < queues) bound.push(bind(host, first.port, REUSE_PORT));
    return listeningSocket(bound);
  } catch (error) {
    for (const { handle } of bound) handle.close();
    if (bound.length > 0 || !(error instanceof BindError) || !NO_REUSE_PORT.includes(error.code)) throw error;
    return listeningSocket([bind(host, port, 0)]);
  }
}

/** Sockets that may share their address would share it with those of another gateway too, and nobody would notice. */
function expectFree(host: string, port: number): void {
  const { handle } = bind(host, port, 0);
  const status = handle.listen(1);
  handle.close();
  if (status !== 0) throw new BindError(getSystemErrorName(status), addressText(host, port));
}

function listeningSocket(bound: readonly BoundHandle[]): ListeningSocket {
  const [{ host, port }] = bound as [BoundHandle];
  return {
    handles: bound.map(({ handle }) => handle),
    address: addressText(host, port),
    port,
    close: () => {
      for (const { handle } of bound) handle.close();
    },
  };
}

function bind(host: string, port: number, flags: number): BoundHandle {
  const family = net.isIP(host);
  if (family !== 4 && family !== 6) throw new TypeError(`${host} is not an IP address`);
  const handle = createServerHandle()(host, port, family, -1, flags);
  if (typeof handle === "number") throw new BindError(getSystemErrorName(handle), addressText(host, port));
  return boundHandle(handle, addressText(host, port));
}

function boundHandle(handle: TcpHandle, what: string): BoundHandle {
  // libuv keeps EADDRINUSE of bind() back until somebody asks for the name or listens.
  const name: { address?: string; port?: number } = {};
  const status = handle.getsockname(name);
  if (status !== 0) {
    handle.close();
    throw new BindError(getSystemErrorName(status), what);
  }
  return { handle, host: name.address as string, port: name.port as number };
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
