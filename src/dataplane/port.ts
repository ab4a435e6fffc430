// One bound socket with the clients that came in through it.
import { createServer, type Server, type Socket } from "node:net";
import { Arrival, type ArrivalOwner } from "./arrival.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import {
  acceptWithSharedReads,
  type BytesReceiver,
  type DeadlineSweep,
  Http1Server,
  TurnedAwayClients,
} from "./http1/index.ts";
import { peerIpOf } from "./http1/peer-address.ts";
import { Networks } from "./networks.ts";
import { Passthrough, type PassthroughOwner } from "./passthrough/passthrough.ts";
import { Pipeline } from "./pipeline.ts";
import { ProxyError } from "./proxy-error.ts";
import { answerForCode, answerUnread } from "./respond.ts";
import { EMPTY_PORT_PLAN } from "./serving-plan.ts";
import type { ConnectionInfo } from "./stream.ts";
import type { HandshakeFailure } from "./tls/handshake-failure.ts";
import type { PassDoorway, TlsGate } from "./tls/tls-gate.ts";

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

export class Port implements ArrivalOwner, PassthroughOwner {
  readonly pipeline: Pipeline;
  readonly sweep: DeadlineSweep;
  readonly timeoutMs: number;
  readonly #context: ExchangeContext;
  readonly #http: Http1Server;
  /** In the order in which they came. */
  readonly #arrivals = new Set<Arrival>();
  readonly #passed = new Set<Passthrough>();
  /** Whose connections begin with a PROXY header; undefined: nobody's. */
  readonly #proxies: Networks | undefined;
  /** What accepts, by the number of the socket: a bind point may have several, and any of them may be given back. */
  readonly #servers = new Map<number, Server>();
  readonly #places: Places;
  readonly #turnedAway: TurnedAwayClients;
  #drained: Promise<void> | undefined;
  /** Called whenever a connection is gone. */
  #settle: () => void = NOTHING;

  constructor(context: ExchangeContext, sweep: DeadlineSweep, places: Places) {
    this.#context = context;
    this.sweep = sweep;
    this.timeoutMs = context.options.requestHeadTimeoutMs;
    const { proxyProtocolFrom } = context.options;
    this.#proxies = proxyProtocolFrom.length === 0 ? undefined : new Networks(proxyProtocolFrom);
    this.pipeline = new Pipeline(context, EMPTY_PORT_PLAN);
    this.#http = new Http1Server(this.pipeline, context.options, sweep);
    this.#places = places;
    this.#turnedAway = new TurnedAwayClients(sweep, {
      ...answerUnread(answerForCode("too-many-connections")),
      onSent: (connection) => this.pipeline.onRejected(connection, tooMany(), 503),
    });
  }

  get connections(): number {
    return this.#http.connections + this.#arrivals.size + this.#passed.size;
  }

  get gate(): TlsGate | undefined {
    return this.pipeline.plan.gate;
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
      server.on("connection", (socket) => {
        const receiver = this.#accept(socket);
        if (receiver instanceof Arrival) socket.on("data", (chunk: Buffer) => receiver.receive(chunk));
      });
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
    if (this.#http.makeRoom()) return true;
    const [oldest] = this.#arrivals;
    return oldest?.yieldPlace() ?? false;
  }

  /** Resolves when the last connection is gone. Handshakes that are under way may end, tunnels stay. */
  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      for (const number of [...this.#servers.keys()]) this.release(number);
      this.#turnedAway.destroy();
      this.#settle = () => {
        if (this.connections === 0) resolve();
      };
      this.#http.onClosed = this.#settle;
      this.#http.drain();
      this.#settle();
    });
    return this.#drained;
  }

  /** Closes everything, with the last bytes of tunnels. */
  expire(): void {
    for (const passthrough of this.#passed) passthrough.expire();
    this.#http.expire();
  }

  destroy(): void {
    for (const arrival of this.#arrivals) arrival.destroy();
    for (const passthrough of this.#passed) passthrough.destroy();
    this.#http.destroy();
  }

  #accept(socket: Socket): BytesReceiver | undefined {
    const { traffic, options } = this.#context;
    const peerIp = peerIpOf(socket);
    // It was reset while it waited. What it asked for would be done in nobody's name, and no endpoint could be told in whose.
    if (peerIp === "") {
      socket.destroy();
      return undefined;
    }
    if (this.#places.taken() >= options.maxConnections) {
      if (!this.#places.makeRoom()) {
        traffic.connectionsRefused += 1;
        if (this.gate === undefined) return this.#turnedAway.accept(socket);
        // Before a handshake there is no answer that it would understand.
        socket.destroy();
        return undefined;
      }
      traffic.connectionsYielded += 1;
    }
    traffic.connectionsAccepted += 1;
    const expectsProxyHeader = this.#proxies?.has(peerIp) ?? false;
    if (this.gate === undefined && !expectsProxyHeader) return this.#http.accept(socket);
    const arrival = new Arrival(socket, this, expectsProxyHeader);
    this.#arrivals.add(arrival);
    return arrival;
  }

  // What becomes of those who arrive.

  serve(arrival: Arrival, socket: Socket, info: ConnectionInfo): BytesReceiver {
    const { handshake } = info;
    if (handshake !== undefined) this.#context.traffic.tls.secured(handshake);
    const receiver = this.#http.accept(socket, info);
    this.#arrivals.delete(arrival);
    return receiver;
  }

  pass(
    arrival: Arrival,
    socket: Socket,
    info: ConnectionInfo,
    serverName: string | undefined,
    doorway: PassDoorway,
    hello: Buffer,
  ): BytesReceiver {
    if (info.handshake !== undefined) this.#context.traffic.tls.secured(info.handshake);
    const passthrough = new Passthrough(this.#context, this, socket, info, serverName, doorway, hello);
    this.#passed.add(passthrough);
    this.#arrivals.delete(arrival);
    passthrough.begin();
    return passthrough;
  }

  onPassed(passthrough: Passthrough): void {
    this.#passed.delete(passthrough);
    this.#settle();
  }

  turnedBack(arrival: Arrival, { peerIp }: ConnectionInfo, reason: HandshakeFailure, cause: unknown): void {
    const { traffic, logger } = this.#context;
    traffic.tls.failed(reason);
    if (reason === "configuration") {
      logger.error({ err: cause }, "the certificate of a listener cannot be used");
    } else {
      logger.debug({ client: peerIp, reason, cause }, "a client did not get as far as a request");
    }
    this.#arrivals.delete(arrival);
    this.#settle();
  }
}

const NOTHING = () => {};

function tooMany(): ProxyError {
  return new ProxyError("too-many-connections", "downstream", "no place is free");
}

function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
