// One try at an endpoint: passes what the endpoint sends to its exchange until either of them is through with it.
import type { EndpointState } from "../affinity/decision.ts";
import type { ResponseHead } from "../model/index.ts";
import type { Alarm, AlarmOwner } from "./alarms.ts";
import type { Exchange } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import type { RetryAllowance } from "./retry-allowance.ts";
import type {
  BodyChunk,
  BodyLength,
  ClientStream,
  ClientStreamHandlers,
  Trailers,
  Tunnel,
} from "./stream.ts";
import type { AttemptTrace } from "./tracing.ts";
import { countStatus } from "./traffic.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** Reading so much of a response that nobody wants is cheaper than another connection. */
const DRAINABLE_BYTES = 64 * 1024;

/** A retry is another attempt, so that late words of the first one reach nobody. */
export class Attempt implements ClientStreamHandlers, AlarmOwner {
  readonly endpoint: EndpointState;
  /** Set by `send`. */
  stream!: ClientStream;
  readonly #exchange: Exchange;
  /** Set for a retry that its backend counts. */
  readonly #allowance: RetryAllowance | undefined;
  #alarm: Alarm | undefined;
  #sentMs = 0;
  /** Undefined: nobody follows it. */
  #trace: AttemptTrace | undefined;
  #left = false;
  /** Bytes of an unwanted response that may still come. */
  #drainable = 0;

  constructor(exchange: Exchange, endpoint: EndpointState, allowance: RetryAllowance | undefined) {
    this.#exchange = exchange;
    this.endpoint = endpoint;
    this.#allowance = allowance;
  }

  /** @param timeoutMs from now to the last byte of the response; undefined: as long as it takes */
  send(connection: UpstreamConnection, timeoutMs: number | undefined): void {
    const { decision, startedWallMs } = this.#exchange;
    this.endpoint.active += 1;
    if (decision?.outcome !== undefined) this.endpoint.sessions.add(Math.floor(startedWallMs / 1000));
    this.#exchange.attempts += 1;
    this.#trace = this.#exchange.trace?.attempt(this.#exchange, this);
    this.#sentMs = this.#exchange.context.clock.monotonicMs();
    if (timeoutMs !== undefined) this.#alarm = this.#exchange.context.alarms.set(timeoutMs, this);
    this.stream = connection.send(this.#exchange, this);
  }

  /** The endpoint is done with the request: it counts as one less in flight. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.endpoint.active -= 1;
    this.#alarm?.cancel();
    this.#allowance?.release();
    this.#trace?.end();
  }

  /** Nobody wants its answer any more. */
  abandon(): void {
    if (this.#left) return;
    this.leave();
    this.stream.abort();
  }

  /** Nobody wants the body of its answer, whose head has come: where that is short, the connection can serve again. */
  discard(length: BodyLength): void {
    if (this.#left) return;
    this.leave();
    if (length > DRAINABLE_BYTES) this.stream.abort();
    else this.#drainable = DRAINABLE_BYTES;
  }

  onAlarm(): void {
    if (this.#left) return;
    this.#trace?.failed("attempt-timeout");
    this.abandon();
    const message = `${this.endpoint.endpoint.address} took longer than the rule allows`;
    this.#exchange.onUpstreamError(new ProxyError("attempt-timeout", "upstream", message), this);
  }

  onInform(head: ResponseHead): void {
    if (!this.#left) this.#exchange.onUpstreamInform(head);
  }

  onHead(head: ResponseHead, length: BodyLength): void {
    if (this.#left) return;
    this.#countAnswer(head.status);
    this.#exchange.onUpstreamHead(head, length, this);
  }

  onData(chunk: BodyChunk): void {
    if (this.#left) this.#drain(chunk);
    else if (!this.#exchange.onUpstreamData(chunk)) this.stream.pauseBody();
  }

  onDrain(): void {
    if (!this.#left) this.#exchange.onUpstreamDrain();
  }

  onEnd(trailers: Trailers): void {
    if (this.#left) return;
    this.leave();
    this.#exchange.onUpstreamEnd(trailers);
  }

  onUpgrade(head: ResponseHead, tunnel: Tunnel): void {
    if (this.#left) {
      tunnel.destroy();
      return;
    }
    this.#countAnswer(head.status);
    // What a rule allows for a response says nothing about how long two sides may talk.
    this.#alarm?.cancel();
    this.#exchange.onUpstreamUpgrade(head, tunnel, this);
  }

  onError(error: ProxyError): void {
    if (this.#left) return;
    this.#trace?.failed(error.code);
    this.leave();
    this.#exchange.onUpstreamError(error, this);
  }

  #countAnswer(status: number): void {
    const { context, decision } = this.#exchange;
    const responseMs = context.clock.monotonicMs() - this.#sentMs;
    this.#exchange.upstreamMs = responseMs;
    const counters = context.traffic.backend(decision?.backend?.backend.id ?? "");
    countStatus(counters.byCodeClass, status);
    counters.responseTimes.observe(responseMs / 1000);
    this.#trace?.answered(status);
  }

  #drain(chunk: BodyChunk): void {
    if (this.#drainable === 0) return;
    this.#drainable = Math.max(0, this.#drainable - chunk.length);
    if (this.#drainable === 0) this.stream.abort();
  }
}
