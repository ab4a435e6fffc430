// A client on its way in: what it must say before its protocol begins, which is a PROXY header, a ClientHello, or both.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { DeadlineSweep, Swept } from "./http1/deadline-sweep.ts";
import { connectionInfo } from "./http1/peer-address.ts";
import { GRACE_MS } from "./http1/server-deadlines.ts";
import type { BytesReceiver } from "./http1/shared-reads.ts";
import { readProxyHeader } from "./proxy-protocol/parse.ts";
import type { ConnectionInfo, TlsHandshake } from "./stream.ts";
import { fatalAlert, INTERNAL_ERROR, UNRECOGNIZED_NAME } from "./tls/alert.ts";
import { readClientHello } from "./tls/client-hello.ts";
import type { HandshakeFailure } from "./tls/handshake-failure.ts";
import type { HandshakeOwner } from "./tls/secure-server.ts";
import type { Shown } from "./tls/terminator.ts";
import type { PassDoorway, TerminateDoorway, TlsGate } from "./tls/tls-gate.ts";

/** What becomes of a client that has said it all; each is called at most once. */
export interface ArrivalOwner {
  /** Undefined: the port speaks no TLS. */
  readonly gate: TlsGate | undefined;
  readonly sweep: DeadlineSweep;
  /** For all of it together. */
  readonly timeoutMs: number;
  /** Requests follow. */
  serve(arrival: Arrival, socket: Socket, info: ConnectionInfo): BytesReceiver;
  /**
   * @param info with a handshake: the socket is one that decrypts
   * @param hello what the endpoint gets to see first; valid during the call only
   */
  pass(
    arrival: Arrival,
    socket: Socket,
    info: ConnectionInfo,
    serverName: string | undefined,
    doorway: PassDoorway,
    hello: Buffer,
  ): BytesReceiver;
  /** It is closed, or about to be. */
  turnedBack(arrival: Arrival, info: ConnectionInfo, reason: HandshakeFailure, cause: unknown): void;
}

/** handshake: the socket is Node's; over: it is somebody else's, or closed. */
type Stage = "proxy-header" | "hello" | "handshake" | "over";

const ARRIVAL = Symbol("arrival");

interface ArrivingSocket extends Socket {
  [ARRIVAL]?: Arrival | undefined;
}

/** Its bytes come by `receive` alone. */
export class Arrival implements BytesReceiver, HandshakeOwner, Swept {
  readonly #socket: Socket;
  readonly #owner: ArrivalOwner;
  readonly #sinceMs: number;
  #stage: Stage;
  #info: ConnectionInfo | undefined;
  /** Less than what is waited for. */
  #held: Buffer | undefined;
  #next: BytesReceiver | undefined;
  #handshake: Handshake | undefined;
  /** Where what the handshake secures goes on to; undefined: requests follow. */
  #passes: PassDoorway | undefined;
  #timedOut = false;

  constructor(socket: Socket, owner: ArrivalOwner, expectsProxyHeader: boolean) {
    this.#socket = socket;
    this.#owner = owner;
    this.#sinceMs = owner.sweep.stampMs;
    this.#stage = expectsProxyHeader ? "proxy-header" : "hello";
    (socket as ArrivingSocket)[ARRIVAL] = this;
    socket.on("end", ON.end);
    socket.on("error", ON.error);
    socket.on("close", ON.close);
    owner.sweep.add(this);
  }

  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  /** The bytes are valid during the call only. */
  receive(chunk: Buffer): void {
    if (this.#next !== undefined) {
      this.#next.receive(chunk);
      return;
    }
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    if (this.#stage === "proxy-header") this.#readProxyHeader(bytes);
    else if (this.#stage === "hello") this.#readHello(bytes);
  }

  /** Makes room for another client, where this one has had its chance; false: it has only just come. */
  yieldPlace(): boolean {
    if (this.#owner.sweep.nowMs - this.#sinceMs < GRACE_MS) return false;
    this.#timeOut();
    return true;
  }

  sweep(nowMs: number): void {
    if (nowMs - this.#sinceMs > this.#owner.timeoutMs) this.#timeOut();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #readProxyHeader(bytes: Buffer): void {
    const result = readProxyHeader(bytes);
    if (result.kind === "incomplete") {
      this.#held = Buffer.from(bytes);
    } else if (result.kind === "malformed") {
      this.#turnBack("proxy-header", result.problem);
    } else {
      this.#info = connectionInfo(this.#socket, result.addresses);
      this.#stage = "hello";
      const rest = bytes.subarray(result.size);
      if (this.#owner.gate === undefined) this.#serve(this.#socket, this.#info, rest);
      else if (rest.length > 0) this.#readHello(rest);
    }
  }

  #readHello(bytes: Buffer): void {
    const { gate } = this.#owner;
    this.#info ??= connectionInfo(this.#socket);
    // A reload has made it a plain port.
    if (gate === undefined) {
      this.#serve(this.#socket, this.#info, bytes);
      return;
    }
    const hello = readClientHello(bytes);
    if (hello.kind === "incomplete") {
      this.#held = Buffer.from(bytes);
      return;
    }
    if (hello.kind === "malformed") {
      this.#turnBack("not-tls", hello.problem);
      return;
    }
    const { serverName } = hello;
    const doorway = gate.find(serverName);
    if (doorway === undefined) {
      this.#turnBack("unknown-name", serverName, gate.answers ? UNRECOGNIZED_NAME : undefined);
    } else if (doorway.kind === "terminate") this.#terminate(serverName, doorway, bytes);
    else this.#pass(this.#socket, this.#info, serverName, doorway, bytes);
  }

  #terminate(
    serverName: string | undefined,
    { listener, terminator, passes }: TerminateDoorway,
    hello: Buffer,
  ): void {
    let shown: Shown;
    try {
      shown = terminator.forName(serverName);
    } catch (cause) {
      this.#turnBack("configuration", cause, INTERNAL_ERROR);
      return;
    }
    this.#stage = "handshake";
    this.#handshake = new Handshake(serverName, listener.id, shown);
    this.#passes = passes;
    this.#socket.pause();
    shown.server.begin(this.#socket, Buffer.from(hello), this);
  }

  onSecured(socket: TLSSocket): void {
    const handshake = this.#handshake as Handshake;
    handshake.version = socket.getProtocol() ?? "";
    handshake.resumed = socket.isSessionReused();
    const info: ConnectionInfo = { ...(this.#info as ConnectionInfo), tls: true, handshake };
    if (this.#passes === undefined) this.#serve(socket, info);
    else this.#pass(socket, info, handshake.serverName, this.#passes, NO_BYTES);
  }

  onHandshakeFailed(reason: HandshakeFailure, cause: Error): void {
    if (this.#stage === "over") return;
    this.#leave();
    this.#tell(this.#timedOut ? "timeout" : reason, cause);
  }

  /** From here on the socket is the protocol's. */
  #serve(socket: Socket, info: ConnectionInfo, early?: Buffer): void {
    this.#leave();
    this.#next = this.#owner.serve(this, socket, info);
    if (early !== undefined && early.length > 0) this.#next.receive(early);
  }

  #pass(
    socket: Socket,
    info: ConnectionInfo,
    serverName: string | undefined,
    doorway: PassDoorway,
    hello: Buffer,
  ): void {
    this.#leave();
    this.#next = this.#owner.pass(this, socket, info, serverName, doorway, hello);
  }

  #timeOut(): void {
    if (this.#stage !== "handshake") {
      this.#turnBack("timeout", undefined);
      return;
    }
    // Node.js tells of the end.
    this.#timedOut = true;
    this.#socket.destroy();
  }

  /** @param alert sent before the end, for clients that have said enough to know what it is */
  #turnBack(reason: HandshakeFailure, cause: unknown, alert?: number): void {
    this.#leave();
    const socket = this.#socket;
    if (alert === undefined) {
      socket.destroy();
    } else {
      socket.on("error", NOTHING);
      socket.write(fatalAlert(alert));
      socket.destroySoon();
    }
    this.#tell(reason, cause);
  }

  #tell(reason: HandshakeFailure, cause: unknown): void {
    this.#owner.turnedBack(this, this.#info ?? connectionInfo(this.#socket), reason, cause);
  }

  /** Nothing of the socket concerns it any more. */
  #leave(): void {
    const socket = this.#socket as ArrivingSocket;
    this.#stage = "over";
    this.#held = undefined;
    // The handlers stay, and find nobody: to take them away costs more.
    socket[ARRIVAL] = undefined;
    socket.removeAllListeners("data");
    this.#owner.sweep.delete(this);
  }

  /** The client ended its side, or is gone. */
  ended(): void {
    if (this.#stage === "handshake") return;
    this.#turnBack("client-closed", undefined);
  }
}

const NOTHING = () => {};
const NO_BYTES = Buffer.alloc(0);

/** One set of handlers for all: closures would cost more than the rest of an arrival. */
const ON = {
  end(this: ArrivingSocket): void {
    this[ARRIVAL]?.ended();
  },
  error(this: ArrivingSocket): void {
    this.destroy();
  },
  close(this: ArrivingSocket): void {
    this[ARRIVAL]?.ended();
  },
};

/** What its exchanges may ask about it. */
class Handshake implements TlsHandshake {
  readonly serverName: string | undefined;
  readonly listener: string;
  version = "";
  resumed = false;
  readonly #shown: Shown;

  constructor(serverName: string | undefined, listener: string, shown: Shown) {
    this.serverName = serverName;
    this.listener = listener;
    this.#shown = shown;
  }

  covers(host: string): boolean {
    return this.#shown.covers(host);
  }
}
