// A connection to an endpoint as the pool sees it, which does what a test says.
import type { ClientStream, ClientStreamHandlers, UpstreamRequest } from "../../src/dataplane/stream.ts";
import type {
  ConnectFailure,
  UpstreamConnection,
  UpstreamConnectionOwner,
  Way,
} from "../../src/dataplane/upstream-connection.ts";
import type { Endpoint } from "../../src/model/index.ts";

export class FakeConnection implements UpstreamConnection {
  readonly endpoint: Endpoint;
  readonly way: Way;
  closed = false;
  /** Requests that were sent on it, and what came of their bodies. */
  readonly requests: UpstreamRequest[] = [];
  body = "";
  ended = false;
  aborted = false;
  readonly #owner: UpstreamConnectionOwner;

  constructor(owner: UpstreamConnectionOwner, endpoint: Endpoint, way: Way) {
    this.#owner = owner;
    this.endpoint = endpoint;
    this.way = way;
  }

  send(request: UpstreamRequest, _handlers: ClientStreamHandlers): ClientStream {
    this.requests.push(request);
    return {
      reused: this.requests.length > 1,
      write: (chunk) => {
        this.body += Buffer.from(chunk).toString("latin1");
        return true;
      },
      end: () => {
        this.ended = true;
      },
      abort: () => {
        this.aborted = true;
        this.close();
      },
      pauseBody: () => {},
      resumeBody: () => {},
    };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#owner.onClosed(this);
  }

  fail(failure: ConnectFailure, cause?: unknown): void {
    this.closed = true;
    this.#owner.onClosed(this, failure, cause);
  }

  becomeIdle(keptMs?: number): void {
    this.#owner.onIdle(this, keptMs);
  }
}
