// Opens HTTP/1.1 connections to endpoints: over TCP or TLS, and behind a PROXY header where one is due.
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { Endpoint } from "../../model/index.ts";
import type { DataplaneOptions } from "../options.ts";
import { ProxyError } from "../proxy-error.ts";
import type { Connector, Way } from "../upstream-connection.ts";
import { RefusedConnection } from "../upstream-refusal.ts";
import type { TlsClient } from "../upstream-tls.ts";
import { ClientConnection } from "./client-connection.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";
import { READ_BUFFER } from "./read-buffer.ts";

/** ALPN: an endpoint that would rather speak HTTP/2 must know that we do not. */
const PROTOCOLS = ["http/1.1"];

/** Takes bytes that are valid during the call only. */
export type Receive = (chunk: Buffer) => void;

export function http1Connector(options: DataplaneOptions, sweep: DeadlineSweep): Connector {
  return (endpoint, owner, way) => {
    const socket = openSocket(endpoint, way, (chunk) => connection.receive(chunk));
    if (socket instanceof ProxyError) return new RefusedConnection(socket, owner);
    const connection = new ClientConnection(socket, endpoint.address, owner, way, options, sweep);
    return connection;
  };
}

/** A socket that is on its way to the endpoint, whatever will be spoken over it; an error: there is none to be had. */
export function openSocket(endpoint: Endpoint, way: Way, receive: Receive): Socket | ProxyError {
  const { tls } = way;
  if (tls === undefined) return openPlain(endpoint, way, receive);
  const { context } = tls;
  if (context instanceof Error) {
    const message = `the TLS settings for ${endpoint.address} cannot be used`;
    return new ProxyError("upstream-tls", "upstream", message, { retry: "yes", cause: context });
  }
  return openTls(endpoint, way, { ...tlsSettings(tls, way), secureContext: context }, receive);
}

function openPlain(endpoint: Endpoint, way: Way, receive: Receive): Socket {
  const socket = connect(socketOptions(endpoint, receive));
  if (way.preface !== undefined) socket.write(way.preface);
  return socket;
}

function tlsSettings(tls: TlsClient, way: Way): ConnectionOptions {
  return {
    rejectUnauthorized: tls.verifies,
    checkServerIdentity: (_name, certificate) => tls.checkIdentity(certificate),
    ...(way.anyProtocol === true ? {} : { ALPNProtocols: PROTOCOLS }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(way.tlsSession === undefined ? {} : { session: way.tlsSession }),
  };
}

function openTls(endpoint: Endpoint, way: Way, settings: ConnectionOptions, receive: Receive): TLSSocket {
  const socket =
    way.preface === undefined
      ? connectTls({ ...socketOptions(endpoint, receive), ...settings })
      : tlsBehind(way.preface, endpoint, settings, receive);
  socket.on("session", (session) => {
    way.tlsSession = session;
  });
  return socket;
}

/** What goes out in clear text needs a socket below; Node.js reads into a given buffer only without one. */
function tlsBehind(
  preface: Buffer,
  endpoint: Endpoint,
  settings: ConnectionOptions,
  receive: Receive,
): TLSSocket {
  const { host, port } = endpoint;
  const below = connect({ host, port, noDelay: true, allowHalfOpen: true });
  below.write(preface);
  return connectTls({ ...settings, socket: below }).on("data", receive);
}

/** All connections read into one buffer: no read allocates. */
function socketOptions({ host, port }: Endpoint, receive: Receive) {
  const callback = (size: number) => {
    receive(READ_BUFFER.subarray(0, size));
    return true;
  };
  return { host, port, noDelay: true, allowHalfOpen: true, onread: { buffer: READ_BUFFER, callback } };
}
