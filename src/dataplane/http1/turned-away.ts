// Clients beyond the limit on connections: each is told so in one answer, as long as there are few of them at a time.
import type { Socket } from "node:net";
import type { ResponseHead } from "../../model/index.ts";
import type { ConnectionInfo } from "../stream.ts";
import type { DeadlineSweep, Swept } from "./deadline-sweep.ts";
import { writeResponseHead } from "./head-writer.ts";
import { connectionInfo } from "./peer-address.ts";
import type { BytesReceiver } from "./shared-reads.ts";

/** More at a time are closed without a word, so that telling them costs no more than it must. */
export const MAX_TOLD_AT_A_TIME = 128;
/** From a client's first moment to its last. */
export const TELLING_MS = 1_000;

export interface Farewell {
  readonly head: ResponseHead;
  /** latin1 */
  readonly body: string;
  /** Told once it is sent. */
  onSent(connection: ConnectionInfo): void;
}

export class TurnedAwayClients {
  readonly #sweep: DeadlineSweep;
  readonly #farewell: Farewell;
  readonly #clients = new Set<TurnedAwayClient>();

  constructor(sweep: DeadlineSweep, farewell: Farewell) {
    this.#sweep = sweep;
    this.#farewell = farewell;
  }

  /** Takes a socket that was just accepted. */
  accept(socket: Socket): BytesReceiver | undefined {
    if (this.#clients.size >= MAX_TOLD_AT_A_TIME) {
      socket.destroy();
      return undefined;
    }
    const client = new TurnedAwayClient(socket, this.#sweep, this.#farewell);
    this.#clients.add(client);
    this.#sweep.add(client);
    socket.on("close", () => {
      this.#clients.delete(client);
      this.#sweep.delete(client);
    });
    return client;
  }

  destroy(): void {
    for (const client of this.#clients) client.destroy();
  }
}

/** Answers the first bytes, whatever they are: before them an answer would be to nothing. */
class TurnedAwayClient implements BytesReceiver, Swept {
  readonly #socket: Socket;
  readonly #sweep: DeadlineSweep;
  readonly #farewell: Farewell;
  readonly #sinceMs: number;
  #told = false;

  constructor(socket: Socket, sweep: DeadlineSweep, farewell: Farewell) {
    this.#socket = socket;
    this.#sweep = sweep;
    this.#farewell = farewell;
    this.#sinceMs = sweep.stampMs;
    socket.on("data", () => this.receive());
    socket.on("end", () => socket.destroySoon());
    socket.on("error", () => socket.destroy());
  }

  /** What follows is thrown away: closing with unread bytes would take the answer from the client. */
  receive(): void {
    if (this.#told) return;
    this.#told = true;
    const { head, body } = this.#farewell;
    this.#socket.end(writeResponseHead(head, body.length, false, "close", this.#sweep) + body, "latin1");
    this.#farewell.onSent(connectionInfo(this.#socket));
  }

  sweep(nowMs: number): void {
    if (nowMs - this.#sinceMs > TELLING_MS) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
