// The origin behind a peer: records every byte of every connection, reads requests strictly and answers as it is told.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Message, readRequest, valuesOf } from "./message.ts";

/** What one connection of a peer brought. */
export interface OriginConnection {
  readonly socket: Socket;
  /** Everything received, latin1. */
  text: string;
  /** Whole requests, in order. */
  readonly requests: Message[];
  /** Position in `text` behind the last whole request. */
  read: number;
  /** The peer sends no more. */
  ended: boolean;
  closed: boolean;
}

/** Writes the answer to one request. */
export type Answer = (socket: Socket, request: Message) => void | Promise<void>;

const SETTLE_MS = 2_000;

/** Marks the answers of the origin, so that they cannot be mistaken for those of the peer. */
export const ORIGIN_MARK = "x-origin";

/** Tells in its body which request it answers. */
export const echo: Answer = (socket, request) => {
  const [method, target] = request.startLine.split(" ");
  const body = `${method} ${target} ${request.body}`;
  const head = `HTTP/1.1 200 OK\r\n${ORIGIN_MARK}: echo\r\nContent-Length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n`;
  socket.write(method === "HEAD" ? head : head + body, "latin1");
};

export class RecordingOrigin {
  /** Connections since the last `settle`. */
  connections: OriginConnection[] = [];
  answer: Answer = echo;
  readonly #server: Server;
  #onChange: () => void = () => {};

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Every whole request since the last `settle`. */
  get requests(): Message[] {
    return this.connections.flatMap((connection) => connection.requests);
  }

  /**
   * Ends all connections and waits until the peer has let them go: only then will it not use them for the next case.
   * Answers what was received but was no whole request.
   */
  async settle(): Promise<void> {
    for (const { socket } of this.connections) socket.end();
    const deadline = Date.now() + SETTLE_MS;
    while (this.connections.some((connection) => !connection.ended && !connection.closed)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) break;
      await this.#change(leftMs);
    }
    for (const { socket } of this.connections) socket.destroy();
    this.connections = [];
  }

  close(): void {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onChange = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    const connection: OriginConnection = {
      socket,
      text: "",
      requests: [],
      read: 0,
      ended: false,
      closed: false,
    };
    this.connections.push(connection);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      connection.text += text;
      this.#read(connection);
    });
    socket.on("end", () => {
      connection.ended = true;
      socket.end();
      this.#onChange();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      connection.closed = true;
      this.#onChange();
    });
  }

  #read(connection: OriginConnection): void {
    for (;;) {
      const request = readRequest(connection.text, connection.read);
      if (request === undefined) break;
      connection.read = request.end;
      connection.requests.push(request);
      this.answer(connection.socket, request);
    }
    const waits = /\r\nexpect: *100-continue\r\n/i.test(connection.text.slice(connection.read));
    if (waits && connection.text.endsWith("\r\n\r\n"))
      connection.socket.write("HTTP/1.1 100 Continue\r\n\r\n");
  }
}

/** `METHOD authority target body` of a request, for comparison with what a case wants the origin to see. */
export function summary(request: Message): string {
  const [method, target] = request.startLine.split(" ");
  return `${method} ${valuesOf(request, "host").join(",").toLowerCase()} ${target} ${request.body}`;
}
