// The client in front of a peer: writes bytes as they are, and reads responses strictly.
import { connect, type Socket } from "node:net";
import { type Message, readResponse, statusOf } from "./message.ts";
import { writePieces } from "./pieces.ts";

export class CorpusClient {
  /** Final responses, in order. */
  readonly responses: Message[] = [];
  /** Status codes of interim responses. */
  readonly interim: number[] = [];
  closed = false;
  /** It was closed by a reset, which tells that something is missing. */
  reset = false;
  /** Behind a 101 everything belongs to another protocol. */
  tunnel = false;
  text = "";
  readonly #socket: Socket;
  /** Method of each request whose response is awaited; GET beyond them. */
  readonly #methods: string[];
  #read = 0;
  #onChange: () => void = () => {};

  constructor(port: number, methods: readonly string[]) {
    this.#methods = [...methods];
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => {
      this.text += text;
      this.#parse();
      this.#onChange();
    });
    this.#socket.on("end", () => this.#end());
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") this.reset = true;
    });
    this.#socket.on("close", () => this.#end());
  }

  /** As `writePieces`. */
  write(bytes: string, pieceSize = 0): Promise<void> {
    return writePieces(this.#socket, bytes, pieceSize);
  }

  /** Method of the request whose response comes next. */
  expect(method: string): void {
    this.#methods[this.responses.length] = method;
  }

  /** Bytes that are no whole response. */
  get rest(): string {
    return this.text.slice(this.#read);
  }

  /** True once it holds or the connection is closed; false after so long. */
  async until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (!holds() && !this.closed) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#onChange = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #parse(): void {
    while (!this.tunnel) {
      const toHead = this.#methods[this.responses.length] === "HEAD";
      const response = readResponse(this.text, this.#read, toHead, this.closed);
      if (response === undefined) return;
      this.#read = response.end;
      const status = statusOf(response);
      if (status >= 200) this.responses.push(response);
      else if (status === 101) {
        this.tunnel = true;
        this.responses.push(response);
      } else if (status >= 100) this.interim.push(status);
      else this.responses.push(response);
    }
  }

  #end(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.reset) this.#parse();
    this.#onChange();
  }
}
