// Opens HTTP/1.1 connections to endpoints.
import { connect } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import type { Connector } from "../upstream-connection.ts";
import { ClientConnection } from "./client-connection.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";

/** Every endpoint's bytes land here and are passed on within the callback: reading allocates nothing. */
const READ_BUFFER_SIZE = 64 * 1024;

/** Plain TCP to the endpoint's address. */
export function http1Connector(options: DataplaneOptions, sweep: DeadlineSweep): Connector {
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE);
  return (endpoint, owner) => {
    const socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer,
        callback: (size: number) => {
          connection.receive(buffer.subarray(0, size));
          return true;
        },
      },
    });
    const connection = new ClientConnection(socket, endpoint.address, owner, options, sweep);
    return connection;
  };
}
