// One connection that is passed on by its server name, as it comes or decrypted: route, endpoint, and bytes both ways until its end.
import type { Socket } from "node:net";
import { decide } from "../../affinity/decide.ts";
import type { Client, Decision, EndpointState } from "../../affinity/decision.ts";
import type { Backend } from "../../model/index.ts";
import type { ExchangeContext } from "../exchange-context.ts";
import { openSocket } from "../http1/connector.ts";
import type { BytesReceiver } from "../http1/shared-reads.ts";
import { PlainRequestHead } from "../plain-head.ts";
import { ProxyError } from "../proxy-error.ts";
import { formatProxyHeader } from "../proxy-protocol/format.ts";
import type { ErrorCode } from "../respond.ts";
import type { ConnectionInfo } from "../stream.ts";
import type { TableWaiter } from "../table-builds.ts";
import { findTlsRoute, type PassDoorway, type PlannedTlsRoute } from "../tls/tls-gate.ts";
import { Splice, type SpliceOwner } from "../tunnel.ts";
import { type ConnectFailure, plainWay, type Way } from "../upstream-connection.ts";
import { SocketEnd } from "./socket-end.ts";

/** Whose connections they are. */
export interface PassthroughOwner {
  onPassed(passthrough: Passthrough): void;
}

/** A connection in which nobody looks for requests has nothing that a request has. */
const NO_REQUEST = new PlainRequestHead("", "", "/", []);

/** waiting: for a hash table; connecting: to the endpoint; passing; over. */
type Phase = "waiting" | "connecting" | "passing" | "over";

export class Passthrough implements BytesReceiver, SpliceOwner, TableWaiter {
  readonly #context: ExchangeContext;
  readonly #owner: PassthroughOwner;
  readonly #socket: Socket;
  readonly #info: ConnectionInfo;
  readonly #client: Client;
  readonly #serverName: string | undefined;
  readonly #doorway: PassDoorway;
  readonly #route: PlannedTlsRoute | undefined;
  readonly #clientEnd: SocketEnd;
  readonly #startedWallMs: number;
  readonly #startedMs: number;
  #hello: Buffer;
  #phase: Phase = "waiting";
  #decision: Decision | undefined;
  #endpointSocket: Socket | undefined;
  #endpointEnd: SocketEnd | undefined;
  #connectByMs = 0;
  #splice: Splice | undefined;
  /** What ends it, if that is no ordinary end. */
  #error: ErrorCode | undefined;

  /** @param hello what came before; it is copied */
  constructor(
    context: ExchangeContext,
    owner: PassthroughOwner,
    socket: Socket,
    info: ConnectionInfo,
    serverName: string | undefined,
    doorway: PassDoorway,
    hello: Buffer,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#socket = socket;
    this.#info = info;
    this.#client = context.identity.identify(info, NO_REQUEST);
    this.#serverName = serverName;
    this.#doorway = doorway;
    this.#route = findTlsRoute(doorway.routes, serverName);
    this.#hello = Buffer.from(hello);
    this.#startedWallMs = context.clock.wallMs();
    this.#startedMs = context.clock.monotonicMs();
    socket.setNoDelay(true);
    // A handshake has no half; what follows may have one side end before the other.
    socket.allowHalfOpen = true;
    this.#clientEnd = new SocketEnd(socket);
    socket.on("close", () => this.#clientClosed());
    context.traffic.requestsInFlight += 1;
    context.sweep.add(this);
  }

  /** Finds the endpoint and connects to it. */
  begin(): void {
    const { traffic, options, sweep } = this.#context;
    if (traffic.requestsInFlight > options.maxRequests || sweep.overloaded) this.#fail("overloaded");
    else if (this.#route === undefined) this.#fail("no-route");
    else this.#choose(this.#route);
  }

  receive(chunk: Buffer): void {
    this.#clientEnd.receive(chunk);
  }

  get heldBytes(): number {
    return this.#hello.length + this.#clientEnd.heldBytes + (this.#endpointEnd?.heldBytes ?? 0);
  }

  sweep(nowMs: number): void {
    if (this.#phase === "connecting") {
      if (nowMs > this.#connectByMs) this.#connectFailed("connect-timeout");
    } else if (this.#phase === "passing") {
      if (this.#isStuck(this.#clientEnd, nowMs) || this.#isStuck(this.#endpointEnd as SocketEnd, nowMs)) {
        this.#error = "write-timeout";
        this.#splice?.close();
      } else {
        this.#splice?.sweep(nowMs);
      }
    }
  }

  /** There is no more time: the last bytes go out before it closes. */
  expire(): void {
    this.#error ??= "draining";
    if (this.#splice === undefined) this.#fail(this.#error);
    else this.#socket.destroySoon();
  }

  /** Closes at once. */
  destroy(): void {
    this.#error ??= "draining";
    if (this.#splice === undefined) this.#fail(this.#error);
    else this.#splice.close();
  }

  onTableReady(): void {
    if (this.#phase === "waiting" && this.#route !== undefined) this.#choose(this.#route);
  }

  onTableFailed(cause: unknown): void {
    this.#context.logger.error({ err: cause }, "choosing an endpoint failed");
    this.#fail("internal-error");
  }

  onSpliceClosed(splice: Splice): void {
    this.#error ??= splice.error;
    this.#end();
  }

  #choose({ plan }: PlannedTlsRoute): void {
    const { clock, random, tables, options } = this.#context;
    const nowSec = Math.floor(clock.wallMs() / 1000);
    const decision = decide(plan, NO_REQUEST, this.#client, { nowSec, random });
    if (decision.pending !== undefined) {
      tables.wait(decision.pending, this);
      return;
    }
    this.#decision = decision;
    if (decision.failure !== undefined) this.#fail(decision.failure.code);
    else if ((decision.endpoint as EndpointState).active >= options.maxRequestsPerEndpoint) {
      this.#fail("endpoint-busy");
    } else this.#connect(decision.endpoint as EndpointState, decision.backend?.backend as Backend);
  }

  #connect(endpoint: EndpointState, backend: Backend): void {
    const { clock, traffic } = this.#context;
    const { id } = backend;
    const way = this.#wayTo(backend);
    const socket = openSocket(endpoint.endpoint, way, (chunk) => end.receive(chunk));
    if (socket instanceof ProxyError) {
      this.#context.logger.error({ err: socket }, "an endpoint cannot be spoken to");
      this.#fail("upstream-tls");
      return;
    }
    const end = new SocketEnd(socket, false);
    this.#phase = "connecting";
    this.#connectByMs = clock.monotonicMs() + way.connectTimeoutMs;
    this.#endpointSocket = socket;
    this.#endpointEnd = end;
    endpoint.active += 1;
    traffic.backend(id).connects += 1;
    if (this.#hello.length > 0) end.tunnel.write(this.#hello);
    let failure: "connect-failed" | "upstream-tls" = "connect-failed";
    if (way.tls === undefined) {
      socket.on("connect", () => this.#connected());
    } else {
      socket.on("connect", () => {
        failure = "upstream-tls";
      });
      socket.on("secureConnect", () => this.#connected());
    }
    socket.on("close", () => this.#connectFailed(failure));
  }

  /** What was decrypted here is encrypted again where the backend wants it; the rest is encrypted already. */
  #wayTo({ tls, proxyProtocol, connectTimeoutMs }: Backend): Way {
    const { pool, options } = this.#context;
    const { peerAddress, localAddress } = this.#info;
    const way = plainWay(connectTimeoutMs ?? options.upstreamConnectTimeoutMs);
    const preface =
      proxyProtocol === undefined ? undefined : formatProxyHeader(proxyProtocol, peerAddress, localAddress);
    if (tls === undefined || !this.#isDecrypted) return { ...way, preface };
    const client = pool.tlsClients.of(tls, this.#doorway.listener.backendCertificate);
    return { ...way, preface, tls: client, anyProtocol: true };
  }

  get #isDecrypted(): boolean {
    return this.#info.handshake !== undefined;
  }

  #connected(): void {
    if (this.#phase !== "connecting") return;
    this.#phase = "passing";
    const { backend, endpoint } = this.#decision as Decision;
    // Nothing else is seen of the endpoint; a connection that opens counts as in Envoy's TCP proxy.
    if (backend !== undefined && endpoint !== undefined)
      this.#context.observer.answered(backend, endpoint, 200);
    const end = this.#endpointEnd as SocketEnd;
    const splice = new Splice(
      this.#clientEnd.tunnel,
      end.tunnel,
      this,
      this.#context.options.tunnelTimeoutMs,
    );
    splice.bytesIn = this.#hello.length;
    this.#hello = Buffer.alloc(0);
    this.#splice = splice;
  }

  #connectFailed(code: ConnectFailure): void {
    if (this.#phase !== "connecting") return;
    const { traffic, observer } = this.#context;
    const { backend, endpoint } = this.#decision as Decision;
    if (backend !== undefined && endpoint !== undefined) {
      traffic.backend(backend.backend.id).connectFailures[code] += 1;
      observer.failed(backend, endpoint, code);
    }
    this.#fail(code);
  }

  #clientClosed(): void {
    if (this.#phase === "waiting" || this.#phase === "connecting") this.#fail("client-closed");
  }

  /** Ends it before a byte was passed on, without a word: what is said in TLS is the endpoint's to say. */
  #fail(code: ErrorCode): void {
    if (this.#phase === "over") return;
    this.#error = code;
    this.#end();
    this.#endpointSocket?.destroy();
    this.#socket.destroySoon();
  }

  #isStuck(end: SocketEnd, nowMs: number): boolean {
    const { writeTimeoutMs, minRate } = this.#context.options;
    return end.isStuck(nowMs, writeTimeoutMs, minRate);
  }

  #end(): void {
    if (this.#phase === "over") return;
    const hasEndpoint = this.#phase === "connecting" || this.#phase === "passing";
    const { tables, traffic, sweep } = this.#context;
    if (this.#phase === "waiting") tables.leave(this);
    this.#phase = "over";
    sweep.delete(this);
    traffic.requestsInFlight -= 1;
    const endpoint = this.#decision?.endpoint;
    if (hasEndpoint && endpoint !== undefined) endpoint.active -= 1;
    this.#report();
    this.#owner.onPassed(this);
  }

  #report(): void {
    const { traffic, accessLog, clock, requestIds } = this.#context;
    const listener = this.#doorway.listener.id;
    const route = this.#route?.route.id;
    traffic.passedThrough(listener, route ?? "");
    if (this.#error !== undefined) traffic.error(this.#error);
    accessLog.write({
      startedWallMs: this.#startedWallMs,
      durationMs: clock.monotonicMs() - this.#startedMs,
      clientIp: this.#client.ip,
      method: undefined,
      host: this.#serverName,
      path: undefined,
      protocol: "TLS",
      status: 0,
      bytesIn: this.#splice?.bytesIn ?? 0,
      bytesOut: this.#splice?.bytesOut ?? 0,
      requestId: requestIds.next(),
      listener,
      route,
      rule: undefined,
      backend: this.#decision?.backend?.backend.id,
      upstreamAddress: this.#decision?.endpoint?.endpoint.address,
      affinity: this.#decision,
      error: this.#error,
      serverName: this.#serverName,
    });
  }
}
