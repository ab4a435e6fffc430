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
  readonly #server: Server;
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
    this.#server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  get connections(): number {
    return this.#http.connections;
  }

  listen(target: ListenTarget): Promise<BoundSocket> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen("handle" in target ? target.handle : { ...target, backlog: 511 }, () => {
        this.#server.off("error", reject);
        // Without a listener an error of accept (EMFILE) would end the process.
        this.#server.on("error", (err) => this.#context.logger.error({ err }, "accepting a client failed"));
        acceptWithSharedReads(this.#server, (socket) => this.#accept(socket));
        const bound = this.#server.address();
        if (bound === null || typeof bound === "string") reject(new Error("the handle is no TCP socket"));
        else resolve({ address: addressText(bound.address, bound.port), port: bound.port });
      });
    });
  }

  /** Closes a connection that waits idly; false: there is none. */
  makeRoom(): boolean {
    return this.#http.makeRoom();
  }

  /** Resolves when the last connection is gone. */
  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      this.#server.close();
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
