// One bound socket with the clients that came in through it.
import { createServer, type Server, type Socket } from "node:net";
import type { ExchangeContext } from "./exchange-context.ts";
import {
  acceptWithSharedReads,
  type BytesReceiver,
  type DeadlineSweep,
  Http1Server,
  TurnedAwayClients,
} from "./http1/index.ts";
import { Pipeline } from "./pipeline.ts";
import { ProxyError } from "./proxy-error.ts";
import { answerForCode, answerUnread } from "./respond.ts";
import { EMPTY_PORT_PLAN } from "./serving-plan.ts";

/** The places for clients that all ports of a worker share. */
export interface Places {
  /** Connections that are open. */
  taken(): number;
  /** Has an idle client give up its place; false: nobody is idle. */
  makeRoom(): boolean;
}

/** A bound socket: an address to bind, or a listening handle that the primary passed on. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly handle: object };

export interface BoundSocket {
  /** `ip:port` as the kernel says, IPv6 in brackets. */
  readonly address: string;
  readonly port: number;
}

export class Port {
  readonly pipeline: Pipeline;
  readonly #context: ExchangeContext;
  readonly #http: Http1Server;
  /** What accepts, by the number of the socket: a bind point may have several, and any of them may be given back. */
  readonly #servers = new Map<number, Server>();
  readonly #places: Places;
  readonly #turnedAway: TurnedAwayClients;
  #drained: Promise<void> | undefined;

  constructor(context: ExchangeContext, sweep: DeadlineSweep, places: Places) {
    this.#context = context;
    this.pipeline = new Pipeline(context, EMPTY_PORT_PLAN);
    this.#http = new Http1Server(this.pipeline, context.options, sweep);
    this.#places = places;
    this.#turnedAway = new TurnedAwayClients(sweep, {
      ...answerUnread(answerForCode("too-many-connections")),
      onSent: (connection) => this.pipeline.onRejected(connection, tooMany(), 503),
    });
  }

  get connections(): number {
    return this.#http.connections;
  }

  listen(target: ListenTarget, number = 0): Promise<BoundSocket> {
    if (this.#servers.has(number)) return Promise.reject(new Error(`socket ${number} is served already`));
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#servers.set(number, server);
    return new Promise((resolve, reject) => {
      const refuse = (error: Error) => {
        this.#servers.delete(number);
        reject(error);
      };
      server.on("connection", (socket) => this.#accept(socket));
      server.once("error", refuse);
      server.listen("handle" in target ? target.handle : { ...target, backlog: 511 }, () => {
        server.off("error", refuse);
        // Without a listener an error of accept (EMFILE) would end the process.
        server.on("error", (err) => this.#context.logger.error({ err }, "accepting a client failed"));
        acceptWithSharedReads(server, (socket) => this.#accept(socket));
        const bound = server.address();
        if (bound === null || typeof bound === "string") reject(new Error("the handle is no TCP socket"));
        else resolve({ address: addressText(bound.address, bound.port), port: bound.port });
      });
    });
  }

  /** Leaves the accepting on one socket to others; the clients that came through it stay. */
  release(number: number): void {
    this.#servers.get(number)?.close();
    this.#servers.delete(number);
  }

  /** How many sockets it accepts on. */
  get sockets(): number {
    return this.#servers.size;
  }

  /** Closes a connection that waits idly; false: there is none. */
  makeRoom(): boolean {
    return this.#http.makeRoom();
  }

  /** Resolves when the last connection is gone. */
  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      for (const number of [...this.#servers.keys()]) this.release(number);
      this.#turnedAway.destroy();
      const settle = () => {
        if (this.#http.connections === 0) resolve();
      };
      this.#http.onClosed = settle;
      this.#http.drain();
      settle();
    });
    return this.#drained;
  }

  /** Closes everything, with the last bytes of tunnels. */
  expire(): void {
    this.#http.expire();
  }

  destroy(): void {
    this.#http.destroy();
  }

  #accept(socket: Socket): BytesReceiver | undefined {
    const { traffic, options } = this.#context;
    if (this.#places.taken() >= options.maxConnections) {
      if (!this.#places.makeRoom()) {
        traffic.connectionsRefused += 1;
        return this.#turnedAway.accept(socket);
      }
      traffic.connectionsYielded += 1;
    }
    traffic.connectionsAccepted += 1;
    return this.#http.accept(socket);
  }
}

function tooMany(): ProxyError {
  return new ProxyError("too-many-connections", "downstream", "no place is free");
}

function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
