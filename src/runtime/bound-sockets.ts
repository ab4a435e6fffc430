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

/** Why nobody can connect to some listeners. */
export interface BindFailure {
  readonly listeners: readonly string[];
  /** `cannot listen on 10.0.0.1:80: the port is taken`. */
  readonly message: string;
  /** What the system said, such as EACCES. */
  readonly code: string;
}

/** For whoever starts a gateway with files, and can start it another way. */
export function bindRefusalText(failure: BindFailure): string {
  const advice = failure.code === "EACCES" ? "; --port-offset 8000 makes port 80 into 8080" : "";
  return `${bindFailureText(failure)}${advice}`;
}

export function bindFailureText({ listeners, message }: BindFailure): string {
  return `${listeners.join(", ")}: ${message}`;
}

const HIGHEST_PORT = 65_535;

export class BoundSockets {
  readonly #placement: SocketPlacement;
  readonly #open = new Map<string, OpenSocket>();
  /** By bind key: what was tried last and failed. */
  readonly #failed = new Map<string, BindFailure>();

  constructor(placement: SocketPlacement) {
    this.#placement = placement;
  }

  /** By bind key, in the order in which they were opened. */
  get open(): ReadonlyMap<string, OpenSocket> {
    return this.#open;
  }

  /** By id of a listener: why a socket of its is not open. */
  get unbound(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#failed.values()].flatMap(({ listeners, message }) => listeners.map((id) => [id, message])),
    );
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

  /** Opens what is not open yet. One that cannot be bound keeps none of the others back. */
  openMissing(points: readonly BindPoint[]): {
    readonly opened: Map<string, readonly object[]>;
    readonly failures: readonly BindFailure[];
  } {
    const opened = new Map<string, readonly object[]>();
    this.#failed.clear();
    for (const point of points) {
      const known = this.#open.get(point.key);
      const listeners = point.listeners.map((listener) => listener.id);
      try {
        const socket = known?.socket ?? this.#bind(point);
        this.#open.set(point.key, { socket, listeners });
        if (known === undefined) opened.set(point.key, socket.handles);
      } catch (error) {
        if (!(error instanceof BindError)) throw error;
        this.#failed.set(point.key, { listeners, message: error.message, code: error.code });
      }
    }
    return { opened, failures: [...this.#failed.values()] };
  }

  /** Closes a socket that nobody could listen on. */
  refuse(key: string, code: string): BindFailure {
    const open = this.#open.get(key);
    const failure =
      open === undefined
        ? { listeners: [key], message: code, code }
        : { listeners: open.listeners, message: new BindError(code, open.socket.address).message, code };
    this.close([key]);
    this.#failed.set(key, failure);
    return failure;
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
