// A TCP check: whether the endpoint accepts a connection, and says what it is expected to say.
import type { Socket } from "node:net";
import type { Backend, CheckKind, Endpoint } from "../../model/index.ts";
import { ProxyError } from "../proxy-error.ts";
import type { Probe, ProbeConnections, ProbeOutcome } from "./probe.ts";
import { ProbeTimer } from "./probe-timer.ts";

type TcpCheck = CheckKind & { readonly kind: "tcp" };

/** What is expected must come within so many bytes. */
const MAX_RECEIVED_SIZE = 64 * 1024;

export class TcpProbe implements Probe {
  readonly #socket: Socket | undefined;
  readonly #expected: Buffer | undefined;
  readonly #done: (outcome: ProbeOutcome) => void;
  readonly #timer: ProbeTimer;
  #received = Buffer.alloc(0);
  #isOver = false;

  constructor(
    connections: ProbeConnections,
    backend: Backend,
    endpoint: Endpoint,
    check: TcpCheck,
    timeoutMs: number,
    done: (outcome: ProbeOutcome) => void,
  ) {
    this.#done = done;
    this.#expected = check.receive === undefined ? undefined : Buffer.from(check.receive, "base64");
    this.#timer = new ProbeTimer(timeoutMs, () => this.#end("failed", `no answer in ${timeoutMs} ms`));
    const socket = connections.open(backend, endpoint, (chunk) => this.#receive(chunk));
    if (socket instanceof ProxyError) {
      setImmediate(() => this.#end("failed", socket.code));
      return;
    }
    this.#socket = socket;
    socket.on(backend.tls === undefined ? "connect" : "secureConnect", () => {
      if (check.send !== undefined) socket.write(Buffer.from(check.send, "base64"));
      if (this.#expected === undefined) this.#end("passed", "connected");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end("failed", error.code ?? error.message));
    socket.on("end", () => this.#end("failed", "closed before the expected answer"));
    socket.on("close", () => this.#end("failed", "closed before the expected answer"));
  }

  cancel(): void {
    this.#isOver = true;
    this.#timer.stop();
    this.#socket?.destroy();
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
