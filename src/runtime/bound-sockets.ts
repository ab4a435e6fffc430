// The sockets that the primary owns: opens and closes them as the snapshot's bind points come and go.
import type { BindPoint } from "../dataplane/bind-points.ts";
import { addressText, adoptSocket, BindError, bindSocket, type ListeningSocket } from "./listening-socket.ts";

export interface SocketPlacement {
  readonly listenAddress: string | undefined;
  readonly portOffset: number;
  /** How many share each address. */
  readonly workers: number;
}

export interface OpenSocket {
  readonly socket: ListeningSocket;
  /** Ids of the listeners behind it. */
  readonly listeners: readonly string[];
}

const HIGHEST_PORT = 65_535;

export class BoundSockets {
  readonly #placement: SocketPlacement;
  readonly #open = new Map<string, OpenSocket>();

  constructor(placement: SocketPlacement) {
    this.#placement = placement;
  }

  /** By bind key, in the order in which they were opened. */
  get open(): ReadonlyMap<string, OpenSocket> {
    return this.#open;
  }

  /** What the workers accept on, by bind key. */
  handles(): Map<string, readonly object[]> {
    return new Map([...this.#open].map(([key, { socket }]) => [key, socket.handles]));
  }

  /** Keys of open sockets that no bind point asks for any more. */
  vanished(points: readonly BindPoint[]): string[] {
    const wanted = new Set(points.map((point) => point.key));
    return [...this.#open.keys()].filter((key) => !wanted.has(key));
  }

  close(keys: readonly string[]): void {
    for (const key of keys) {
      this.#open.get(key)?.socket.close();
      this.#open.delete(key);
    }
  }

  closeAll(): void {
    this.close([...this.#open.keys()]);
  }

  /** Takes over what another process has bound; from there on it is as if it had been opened here. */
  adopt(handles: ReadonlyMap<string, readonly object[]>): void {
    for (const [key, some] of handles) this.#open.set(key, { socket: adoptSocket(some), listeners: [] });
  }

  /** Opens what is not open yet. One that cannot be bound keeps none of the others back: its failure is one line. */
  openMissing(points: readonly BindPoint[]): {
    readonly opened: Map<string, readonly object[]>;
    readonly failures: string[];
  } {
    const opened = new Map<string, readonly object[]>();
    const failures: string[] = [];
    for (const point of points) {
      const known = this.#open.get(point.key);
      const listeners = point.listeners.map((listener) => listener.id);
      try {
        const socket = known?.socket ?? this.#bind(point);
        this.#open.set(point.key, { socket, listeners });
        if (known === undefined) opened.set(point.key, socket.handles);
      } catch (error) {
        if (!(error instanceof BindError)) throw error;
        failures.push(`${listeners.join(", ")}: ${error.message}`);
      }
    }
    return { opened, failures };
  }

  /** Closes a socket that nobody could listen on; answers with the line that says so. */
  refuse(key: string, code: string): string {
    const open = this.#open.get(key);
    if (open === undefined) return `${key}: ${code}`;
    this.close([key]);
    return `${open.listeners.join(", ")}: ${new BindError(code, open.socket.address).message}`;
  }

  #bind(point: BindPoint): ListeningSocket {
    const { listenAddress, portOffset, workers } = this.#placement;
    const host = point.address ?? listenAddress;
    const port = point.port + portOffset;
    if (port > HIGHEST_PORT)
      throw new BindError(`the port is beyond ${HIGHEST_PORT}`, addressText(host ?? "*", port));
    return bindSocket(host, port, workers);
  }
}
