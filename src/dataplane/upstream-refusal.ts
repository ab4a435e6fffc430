// A connection that never was: whoever sends on it learns at once why there is none.
import type { ProxyError } from "./proxy-error.ts";
import type { ClientStream, ClientStreamHandlers, UpstreamRequest } from "./stream.ts";
import type { ConnectFailure, UpstreamConnection, UpstreamConnectionOwner } from "./upstream-connection.ts";

export class RefusedConnection implements UpstreamConnection {
  readonly #error: ProxyError;
  #told: (() => void) | undefined;

  /** @param error what the exchange gets; its code is the failure that `owner` is told, where it counts on an answer */
  constructor(error: ProxyError, owner?: UpstreamConnectionOwner) {
    this.#error = error;
    if (owner === undefined) return;
    this.#told = () => owner.onClosed(this, error.code as ConnectFailure, error.cause);
    process.nextTick(() => this.close());
  }

  send(_request: UpstreamRequest, handlers: ClientStreamHandlers): ClientStream {
    const stream = new RefusedStream();
    process.nextTick(() => {
      this.close();
      if (!stream.aborted) handlers.onError(this.#error);
    });
    return stream;
  }

  close(): void {
    const told = this.#told;
    this.#told = undefined;
    told?.();
  }
}

class RefusedStream implements ClientStream {
  readonly reused = false;
  aborted = false;

  write(): boolean {
    return true;
  }

  end(): void {}

  pauseBody(): void {}

  resumeBody(): void {}

  abort(): void {
    this.aborted = true;
  }
}
