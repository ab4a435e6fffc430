// A TCP check: whether the endpoint accepts a connection, and says what it is expected to say.
import { connect, type Socket } from "node:net";
import type { CheckKind, Endpoint } from "../../model/index.ts";
import type { Probe, ProbeOutcome } from "./probe.ts";

type TcpCheck = CheckKind & { readonly kind: "tcp" };

/** What is expected must come within so many bytes. */
const MAX_RECEIVED_SIZE = 64 * 1024;

export class TcpProbe implements Probe {
  readonly #socket: Socket;
  readonly #expected: Buffer | undefined;
  readonly #done: (outcome: ProbeOutcome) => void;
  readonly #timer: NodeJS.Timeout;
  #received = Buffer.alloc(0);
  #isOver = false;

  constructor(endpoint: Endpoint, check: TcpCheck, timeoutMs: number, done: (outcome: ProbeOutcome) => void) {
    this.#done = done;
    this.#expected = check.receive === undefined ? undefined : Buffer.from(check.receive, "base64");
    this.#timer = setTimeout(() => this.#end("failed", `no answer in ${timeoutMs} ms`), timeoutMs);
    this.#socket = connect({ host: endpoint.host, port: endpoint.port });
    this.#socket.on("connect", () => {
      if (check.send !== undefined) this.#socket.write(Buffer.from(check.send, "base64"));
      if (this.#expected === undefined) this.#end("passed", "connected");
    });
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#end("failed", error.code ?? error.message),
    );
    this.#socket.on("close", () => this.#end("failed", "closed before the expected answer"));
  }

  cancel(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#isOver || this.#expected === undefined) return;
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#received.includes(this.#expected)) this.#end("passed", "expected answer");
    else if (this.#received.length > MAX_RECEIVED_SIZE) this.#end("failed", "another answer than expected");
  }

  #end(result: ProbeOutcome["result"], reason: string): void {
    if (this.#isOver) return;
    this.cancel();
    this.#done({ result, reason });
  }
}
