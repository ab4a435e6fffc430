// One try at an endpoint: passes what the endpoint sends to its exchange until either of them is through with it.
import type { EndpointState } from "../affinity/decision.ts";
import type { ResponseHead } from "../model/index.ts";
import type { Exchange } from "./exchange.ts";
import type { ProxyError } from "./proxy-error.ts";
import type {
  BodyChunk,
  BodyLength,
  ClientStream,
  ClientStreamHandlers,
  Trailers,
  Tunnel,
} from "./stream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** A retry is another attempt, so that late words of the first one reach nobody. */
export class Attempt implements ClientStreamHandlers {
  readonly endpoint: EndpointState;
  /** Set by `send`. */
  stream!: ClientStream;
  readonly #exchange: Exchange;
  #left = false;

  constructor(exchange: Exchange, endpoint: EndpointState) {
    this.#exchange = exchange;
    this.endpoint = endpoint;
  }

  send(connection: UpstreamConnection): void {
    this.endpoint.active += 1;
    this.stream = connection.send(this.#exchange, this);
  }

  /** The endpoint is done with the request: it counts as one less in flight. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.endpoint.active -= 1;
  }

  /** Nobody wants its answer any more. */
  abandon(): void {
    if (this.#left) return;
    this.leave();
    this.stream.abort();
  }

  onInform(head: ResponseHead): void {
    if (!this.#left) this.#exchange.onUpstreamInform(head);
  }

  onHead(head: ResponseHead, length: BodyLength): void {
    if (!this.#left) this.#exchange.onUpstreamHead(head, length);
  }

  onData(chunk: BodyChunk): void {
    if (!this.#left && !this.#exchange.onUpstreamData(chunk)) this.stream.pauseBody();
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
    if (this.#left) tunnel.destroy();
    else this.#exchange.onUpstreamUpgrade(head, tunnel);
  }

  onError(error: ProxyError): void {
    if (this.#left) return;
    this.leave();
    this.#exchange.onUpstreamError(error, this);
  }
}
