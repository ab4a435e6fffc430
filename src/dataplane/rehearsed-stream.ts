// The client's side of a rehearsal: a request without a body, and what its client would have got.
import type { RequestHead, ResponseHead } from "../model/index.ts";
import { EditList } from "./header-edits.ts";
import type { FieldList } from "./plain-head.ts";
import type { ConnectionInfo, ServerStream, ServerStreamHandlers, Tunnel } from "./stream.ts";

/** What a head is like once it is edited. */
export interface SentResponse {
  readonly status: number;
  /** Of an endpoint's answer, which has none of its own: what the gateway puts in. Flat. */
  readonly fields: FieldList;
}

export class RehearsedStream implements ServerStream {
  readonly head: RequestHead;
  readonly connection: ConnectionInfo;
  readonly upgrade: string | undefined;
  readonly protocol = "HTTP/1.1";
  readonly bodyLength = 0;
  readonly expectContinue = false;
  readonly bytesIn = 0;
  readonly bytesOut = 0;
  handlers: ServerStreamHandlers | null = null;
  response: SentResponse | undefined;

  constructor({ head, connection, upgrade }: Pick<ServerStream, "head" | "connection" | "upgrade">) {
    this.head = head;
    this.connection = connection;
    this.upgrade = upgrade;
  }

  respond(head: ResponseHead): void {
    const fields: string[] = [];
    const edits = head.edits instanceof EditList ? head.edits : new EditList();
    head.forEach((name, value) => {
      if (!edits.drops(name.toLowerCase())) fields.push(name, value);
    });
    this.response = { status: head.status, fields: [...fields, ...edits.lines] };
  }

  pauseBody(): void {}
  resumeBody(): void {}
  inform(): void {}
  write(): boolean {
    return true;
  }
  end(): void {}
  abort(): void {}

  acceptUpgrade(): Tunnel {
    throw new Error("endpoints of a rehearsal accept no upgrade");
  }
}
