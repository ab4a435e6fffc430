// One request of a client on an HTTP/1.1 connection, as the pipeline holds it.
import type { ResponseHead } from "../../model/index.ts";
import type { ProxyError } from "../proxy-error.ts";
import type {
  BodyChunk,
  BodyLength,
  ConnectionInfo,
  ServerStream,
  ServerStreamHandlers,
  Trailers,
  Tunnel,
} from "../stream.ts";
import type { Http1RequestHead } from "./request-head.ts";

/** What a stream asks of its connection; each call is a no-op for a stream whose exchange is over. */
export interface ServerStreamOwner {
  pauseBody(stream: Http1ServerStream): void;
  resumeBody(stream: Http1ServerStream): void;
  inform(stream: Http1ServerStream, head: ResponseHead): void;
  respond(stream: Http1ServerStream, head: ResponseHead, length: BodyLength): void;
  write(stream: Http1ServerStream, chunk: BodyChunk): boolean;
  end(stream: Http1ServerStream, trailers: Trailers): void;
  acceptUpgrade(stream: Http1ServerStream, head: ResponseHead): Tunnel;
  abort(stream: Http1ServerStream): void;
}

/** Lives as long as its exchange: a late call on it can never reach the next request of the connection. */
export class Http1ServerStream implements ServerStream {
  readonly head: Http1RequestHead;
  readonly connection: ConnectionInfo;
  handlers: ServerStreamHandlers | null = null;
  bytesIn = 0;
  bytesOut = 0;
  readonly #owner: ServerStreamOwner;

  constructor(owner: ServerStreamOwner, connection: ConnectionInfo, head: Http1RequestHead) {
    this.#owner = owner;
    this.connection = connection;
    this.head = head;
  }

  get protocol(): string {
    return this.head.minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0";
  }

  get bodyLength(): BodyLength {
    return this.head.bodyLength;
  }

  get upgrade(): string | undefined {
    return this.head.upgrade;
  }

  get expectContinue(): boolean {
    return this.head.expectContinue;
  }

  pauseBody(): void {
    this.#owner.pauseBody(this);
  }

  resumeBody(): void {
    this.#owner.resumeBody(this);
  }

  inform(head: ResponseHead): void {
    this.#owner.inform(this, head);
  }

  respond(head: ResponseHead, length: BodyLength): void {
    this.#owner.respond(this, head, length);
  }

  write(chunk: BodyChunk): boolean {
    return this.#owner.write(this, chunk);
  }

  end(trailers: Trailers): void {
    this.#owner.end(this, trailers);
  }

  acceptUpgrade(head: ResponseHead): Tunnel {
    return this.#owner.acceptUpgrade(this, head);
  }

  abort(_error: ProxyError): void {
    this.#owner.abort(this);
  }
}
