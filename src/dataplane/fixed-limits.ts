// The limits that nobody needs to set, for docs/limits.md: each value is the one that the code works with.
import { MAX_TOKENS } from "../affinity/session.ts";
import { MAX_EXTENSION_SIZE } from "./http1/chunk-line.ts";
import { MAX_INTERIM } from "./http1/response-reader.ts";
import { MAX_DISCARDED } from "./http1/server-connection.ts";
import {
  GRACE_MS,
  HALF_CLOSED_SILENCE_MS,
  HURRIED_WRITE_TIMEOUT_MS,
  LINGER_MS,
} from "./http1/server-deadlines.ts";
import { SILENCE_MS } from "./http1/socket-tunnel.ts";
import { TURNS_MS } from "./http1/turn-queue.ts";
import { MAX_TOLD_AT_A_TIME, TELLING_MS } from "./http1/turned-away.ts";
import { MAX_WAITING_SIZE } from "./log-writer.ts";
import { LAST_BYTES_MS, LINGER_MS as TUNNEL_LINGER_MS } from "./tunnel.ts";
import { GONE_CONNECT_TIMEOUT_MS, KEPT_MARGIN_MS } from "./upstream-endpoint.ts";

export interface FixedLimit {
  /** What it limits. */
  readonly of: string;
  readonly value: string;
  readonly past: string;
}

export const FIXED_LIMITS: readonly FixedLimit[] = [
  {
    of: "Chunk extensions of a body",
    value: kibibytes(MAX_EXTENSION_SIZE),
    past: "400 `bad-request`, closed",
  },
  {
    of: "The rest of a body whose answer is complete, read for the sake of the connection",
    value: kibibytes(MAX_DISCARDED),
    past: "closed",
  },
  {
    of: "After the last answer on a connection: time for the client to read it",
    value: seconds(LINGER_MS),
    past: "closed",
  },
  {
    of: "A client that ended its side: silence until it is asked whether it is there, and within its answer",
    value: seconds(HALF_CLOSED_SILENCE_MS),
    past: "closed, (499) `client-closed`",
  },
  {
    of: "A tunnel's silence until either peer is asked whether it is there; ten questions, a second apart",
    value: seconds(SILENCE_MS),
    past: "closed",
  },
  {
    of: "A tunnel of which one side is gone, while the other takes none of the last bytes",
    value: seconds(LAST_BYTES_MS),
    past: "closed",
  },
  {
    of: "A tunnel of which one side is gone, once the other has taken the last bytes",
    value: seconds(TUNNEL_LINGER_MS),
    past: "closed",
  },
  {
    of: "Waiting without a whole request while others need the place (`--max-connections`)",
    value: seconds(GRACE_MS),
    past: "closed; 408 `request-timeout` where a part of a head has come",
  },
  {
    of: "A client that takes no byte while memory is short (`--max-buffered-size`)",
    value: seconds(HURRIED_WRITE_TIMEOUT_MS),
    past: "closed, (499) `write-timeout`",
  },
  {
    of: "Clients beyond `--max-connections` that are told so at a time, in each port of a worker",
    value: String(MAX_TOLD_AT_A_TIME),
    past: "closed without an answer",
  },
  {
    of: "Time for one of them to ask and to be told",
    value: seconds(TELLING_MS),
    past: "closed",
  },
  {
    of: "Of one time around the event loop, for further requests of those who sent several at once",
    value: `${TURNS_MS}ms`,
    past: "they wait for the next time around",
  },
  {
    of: "Cookies of a session's name in one request that are tried, in their order",
    value: String(MAX_TOKENS),
    past: "the others count as not sent; a wrapped one does not go on",
  },
  {
    of: "Interim responses of an endpoint to one request",
    value: String(MAX_INTERIM),
    past: "502 `upstream-protocol`",
  },
  {
    of: "Waiting for a connection of a backend that may have no more (its circuit breakers)",
    value: "`--upstream-response-timeout`",
    past: "503 `backend-busy`",
  },
  {
    of: "Connecting to an endpoint that has left its backend meanwhile",
    value: `${GONE_CONNECT_TIMEOUT_MS}ms`,
    past: "another endpoint, or 504 `connect-timeout`",
  },
  {
    of: "Before an endpoint would close a silent connection, if it says when (`Keep-Alive: timeout=5`)",
    value: seconds(KEPT_MARGIN_MS),
    past: "the endpoint's is closed",
  },
  {
    of: "Lines of the access log that wait for a slow reader",
    value: kibibytes(MAX_WAITING_SIZE),
    past: "dropped and counted",
  },
];

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function kibibytes(bytes: number): string {
  return `${bytes / 1024}k`;
}
