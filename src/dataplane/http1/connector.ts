// Opens HTTP/1.1 connections to endpoints.
import { connect } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import type { Connector } from "../upstream-connection.ts";
import { ClientConnection } from "./client-connection.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";
import { READ_BUFFER } from "./read-buffer.ts";

/** Plain TCP to the endpoint's address. */
export function http1Connector(options: DataplaneOptions, sweep: DeadlineSweep): Connector {
  return (endpoint, owner) => {
    const socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (size: number) => {
          connection.receive(READ_BUFFER.subarray(0, size));
          return true;
        },
      },
    });
    const connection = new ClientConnection(socket, endpoint.address, owner, options, sweep);
    return connection;
  };
}
