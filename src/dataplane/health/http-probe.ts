// An HTTP check: one request on a connection that is kept from check to check, judged by the status of its answer.
import type { Backend, CheckKind, Endpoint, ResponseHead, StatusRange } from "../../model/index.ts";
import { PlainRequestHead } from "../plain-head.ts";
import type { ProxyError } from "../proxy-error.ts";
import type { BodyChunk, ClientStream, ClientStreamHandlers, Tunnel, UpstreamRequest } from "../stream.ts";
import type { Probe, ProbeConnections, ProbeOutcome } from "./probe.ts";
import { ProbeTimer } from "./probe-timer.ts";

type HttpCheck = CheckKind & { readonly kind: "http" };

/** Bytes of an answer that are read for the sake of the connection; its status counts before that. */
const MAX_BODY_SIZE = 64 * 1024;

export class HttpProbe implements Probe, ClientStreamHandlers {
  readonly #connections: ProbeConnections;
  readonly #backend: Backend;
  readonly #endpoint: Endpoint;
  readonly #check: HttpCheck;
  readonly #request: UpstreamRequest;
  readonly #done: (outcome: ProbeOutcome) => void;
  readonly #timer: ProbeTimer;
  #stream: ClientStream;
  #status = 0;
  #bodySize = 0;
  #isOver = false;

  constructor(
    connections: ProbeConnections,
    backend: Backend,
    endpoint: Endpoint,
    check: HttpCheck,
    timeoutMs: number,
    done: (outcome: ProbeOutcome) => void,
  ) {
    this.#connections = connections;
    this.#backend = backend;
    this.#endpoint = endpoint;
    this.#check = check;
    this.#request = requestOf(check, endpoint);
    this.#done = done;
    this.#timer = new ProbeTimer(timeoutMs, () => {
      this.#stream.abort();
      this.#end({ result: "failed", reason: `no answer in ${timeoutMs} ms` });
    });
    this.#stream = this.#send(false);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.stop();
    this.#stream.abort();
  }

  onHead(head: ResponseHead): void {
    this.#status = head.status;
  }

  onData(chunk: BodyChunk): void {
    this.#bodySize += chunk.length;
    if (this.#bodySize <= MAX_BODY_SIZE) return;
    this.#stream.abort();
    this.onEnd();
  }

  onEnd(): void {
    this.#end({ result: this.#judge(), reason: `status ${this.#status}` });
  }

  onUpgrade(_head: ResponseHead, tunnel: Tunnel): void {
    tunnel.destroy();
    this.#end({ result: "failed", reason: "status 101" });
  }

  onInform(): void {}

  onDrain(): void {}

  onError(error: ProxyError): void {
    if (this.#isOver) return;
    // The endpoint closed a connection that was kept for the next check: that says nothing about it.
    if (error.retry === "unanswered" && this.#stream.reused) this.#stream = this.#send(true);
    else this.#end({ result: "failed", reason: reasonOf(error) });
  }

  #send(fresh: boolean): ClientStream {
    const connection = this.#connections.exchange(this.#backend, this.#endpoint, fresh);
    const stream = connection.send(this.#request, this);
    stream.end([]);
    return stream;
  }

  #judge(): ProbeOutcome["result"] {
    if (includes(this.#check.expected, this.#status)) return "passed";
    return includes(this.#check.retriable, this.#status) ? "failed" : "refused";
  }

  #end(outcome: ProbeOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.stop();
    this.#done(outcome);
  }
}

function requestOf(check: HttpCheck, endpoint: Endpoint): UpstreamRequest {
  const fields = check.headers.flatMap(({ name, value }) => [name.toLowerCase(), value]);
  if (!check.headers.some(({ name }) => name.toLowerCase() === "user-agent")) {
    fields.push("user-agent", "limpet-health-check");
  }
  const head = new PlainRequestHead(
    check.method,
    check.host ?? endpoint.hostname ?? endpoint.address,
    check.path,
    fields,
  );
  return { head, path: check.path, bodyLength: 0, upgrade: undefined };
}

/** `connect-failed (ECONNREFUSED)`. */
function reasonOf({ code, cause }: ProxyError): string {
  if (!(cause instanceof Error)) return code;
  return `${code} (${(cause as NodeJS.ErrnoException).code ?? cause.message})`;
}

function includes(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ from, to }) => status >= from && status <= to);
}
