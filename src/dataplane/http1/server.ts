// The HTTP/1.1 side towards clients: turns accepted sockets into requests for the pipeline.
import type { Socket } from "node:net";
import type { DataplaneOptions } from "../options.ts";
import type { ConnectionInfo, RequestHandler } from "../stream.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";
import { connectionInfo } from "./peer-address.ts";
import { ServerConnection, type ServerContext } from "./server-connection.ts";
import type { BytesReceiver } from "./shared-reads.ts";
import { TurnQueue } from "./turn-queue.ts";

/** How many connections are looked at, at most, to find one that yields its place: a flood must not make that dear. */
const MAX_LOOKS = 64;

/** The connections of one bind point. Sockets may come from `node:net` or `node:tls`. */
export class Http1Server implements ServerContext {
  readonly handler: RequestHandler;
  readonly options: DataplaneOptions;
  readonly sweep: DeadlineSweep;
  readonly turns: TurnQueue;
  /** Told each time a connection is gone. */
  onClosed: (() => void) | null = null;
  /** Those that were looked at for a place go to its end, so that the next look begins with others. */
  readonly #connections = new Set<ServerConnection>();
  #draining = false;

  constructor(handler: RequestHandler, options: DataplaneOptions, sweep: DeadlineSweep) {
    this.handler = handler;
    this.options = options;
    this.sweep = sweep;
    this.turns = new TurnQueue(() => sweep.monotonicMs);
  }

  /** Open connections, tunnels included. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Takes a socket that was just accepted, or whose handshake is just done; half-open sockets are allowed from here on.
   * Its bytes come by its `data` event, or by the answered receiver.
   * @param info what is known of the connection beyond the socket's own addresses
   */
  accept(socket: Socket, info: ConnectionInfo = connectionInfo(socket)): BytesReceiver {
    const connection = new ServerConnection(socket, info, this);
    this.#connections.add(connection);
    if (this.#draining) connection.drain();
    return connection;
  }

  /** Closes a connection that waits idly, the next one from where the last look ended; false: none was found. */
  makeRoom(): boolean {
    // No iterator may outlive this call: it would hold every connection that the set ever had.
    let looks = Math.min(this.#connections.size, MAX_LOOKS);
    for (const connection of this.#connections) {
      if (looks === 0) return false;
      looks -= 1;
      this.#connections.delete(connection);
      this.#connections.add(connection);
      if (connection.yieldPlace()) return true;
    }
    return false;
  }

  /** Idle connections close, busy ones say `connection: close` and close after their exchange; tunnels stay. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Closes everything; what tunnels still have to say is said, as long as their clients take it. */
  expire(): void {
    for (const connection of this.#connections) connection.expire();
  }

  /** Closes everything at once. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Called by a connection that is gone. */
  closed(connection: ServerConnection): void {
    this.#connections.delete(connection);
    this.onClosed?.();
  }
}
