// The HTTP/1.1 side towards clients: turns accepted sockets into requests for the pipeline.
import type { Socket } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import type { RequestHandler } from "../stream.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";

/** The connections of one bind point. Sockets may come from `node:net` or `node:tls`. */
export declare class Http1Server {
  constructor(handler: RequestHandler, options: DataplaneOptions, sweep: DeadlineSweep);
  /** Takes a socket that was just accepted; half-open sockets are allowed from here on. */
  accept(socket: Socket): void;
  /** Open connections, tunnels included. */
  get connections(): number;
  /** Told each time a connection is gone. */
  onClosed: (() => void) | null;
  /** Idle connections close now, busy ones say `connection: close` and close after their exchange; tunnels stay. */
  drain(): void;
  /** Closes everything at once. */
  destroy(): void;
}
