// The endpoint's side of a rehearsal: what would have been sent to it.
import type { Endpoint } from "../model/index.ts";
import { EditList } from "./header-edits.ts";
import type { FieldList } from "./plain-head.ts";
import type { ClientStream, UpstreamRequest } from "./stream.ts";

/** A request as an endpoint would get it: names in lower case, as the gateway writes what it adds. */
export interface SentRequest {
  readonly endpoint: Endpoint;
  readonly refused: boolean;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Names of fields that the client sent and the endpoint does not get in that form. */
  readonly dropped: readonly string[];
  /** Fields that the gateway writes, flat. */
  readonly added: FieldList;
}

export function sentRequest(
  endpoint: Endpoint,
  { head, path }: UpstreamRequest,
  refused: boolean,
): SentRequest {
  const edits = head.edits instanceof EditList ? head.edits : new EditList();
  const { lines, dropped } = edits;
  return {
    endpoint,
    refused,
    method: head.method,
    host: edits.lineOf("host") ?? head.authority,
    path,
    dropped: dropped.filter((name) => name !== "host" && head.get(name) !== undefined),
    added: lines.filter((_, at) => lines[at - (at % 2)] !== "host"),
  };
}

/** Nobody reads what is sent. */
export const NO_STREAM: ClientStream = {
  reused: false,
  write: () => true,
  end() {},
  pauseBody() {},
  resumeBody() {},
  abort() {},
};
