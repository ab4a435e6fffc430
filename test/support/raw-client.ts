// A client that writes bytes as they are and reads what comes back.
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export class RawClient {
  readonly socket: Socket;
  /** Everything received, latin1. */
  text = "";
  closed = false;
  #changed: (() => void) | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      this.text += text;
      this.#changed?.();
    });
    this.socket.on("error", () => {});
    this.socket.on("end", () => this.#end());
    this.socket.on("close", () => this.#end());
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves once the text holds; fails after 10 seconds with what came. */
  async until(holds: (text: string) => boolean): Promise<string> {
    const deadline = Date.now() + 10_000;
    while (!holds(this.text)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.closed) throw new Error(`it never came; only: ${this.text}`);
      await this.#change(leftMs);
    }
    return this.text;
  }

  /** Resolves once the other side has ended or reset the connection. */
  async untilClosed(): Promise<string> {
    const deadline = Date.now() + 10_000;
    while (!this.closed) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`it stays open; so far: ${this.text}`);
      await this.#change(leftMs);
    }
    return this.text;
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #end(): void {
    this.closed = true;
    this.#changed?.();
  }
}
