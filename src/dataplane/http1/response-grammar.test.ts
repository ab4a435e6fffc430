// Which responses of an endpoint are believed, how they are framed, and what spoils the connection, however they are cut.
import { describe, expect, test } from "vitest";
import { EndpointHarness } from "../../../test/support/endpoint-harness.ts";
import { settle } from "../../../test/support/memory-socket.ts";

/** What the exchange was told, and whether the connection may carry another one. */
async function outcome(pieces: readonly string[], method: string, hangUp: boolean): Promise<string> {
  const harness = new EndpointHarness({ maxHeadSize: 300, maxHeaders: 5 }).connect();
  const { exchange } = harness.send({ method });
  for (const piece of pieces) harness.deliver(piece);
  if (hangUp) harness.socket.hangUp();
  await settle();
  const state = harness.closed === 1 ? "closed" : harness.idle === 1 ? "idle" : "busy";
  harness.connection.close();
  return [...exchange.events, state].join("; ");
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const PROTOCOL = "error upstream-protocol never; closed";

interface Case {
  readonly bytes: string;
  readonly seen: string;
  readonly method?: string;
  readonly hangUp?: boolean;
}

const CASES: Record<string, Case> = {
  "known length": {
    bytes: `${OK}Content-Length: 5\r\nX-A: 1\r\n\r\nhello`,
    seen: "head 200 OK {Content-Length|5|X-A|1} 5; data hello; end {}; idle",
  },
  "no body": {
    bytes: `${OK}Content-Length: 0\r\n\r\n`,
    seen: "head 200 OK {Content-Length|0} 0; end {}; idle",
  },
  "chunks and trailers": {
    bytes: `${CHUNKED}3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n`,
    seen: "head 200 OK {} -1; data abcde; end {X-Sum|1}; idle",
  },
  "until close": {
    bytes: `${OK}\r\nhello`,
    hangUp: true,
    seen: "head 200 OK {} -1; data hello; end {}; closed",
  },
  "HTTP/1.0 that keeps the connection": {
    bytes: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    seen: "head 200 OK {Content-Length|2} 2; data hi; end {}; idle",
  },
  "HTTP/1.0 that does not": {
    bytes: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    seen: "head 200 OK {Content-Length|2} 2; data hi; end {}; closed",
  },
  "Connection: close": {
    bytes: `${OK}Connection: close, X-Own\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nhi`,
    seen: "head 200 OK {Content-Length|2} 2; data hi; end {}; closed",
  },
  "answer to HEAD": {
    method: "HEAD",
    bytes: `${OK}Content-Length: 5\r\n\r\n`,
    seen: "head 200 OK {Content-Length|5} 0; end {}; idle",
  },
  "204": { bytes: "HTTP/1.1 204 No Content\r\n\r\n", seen: "head 204 No Content {} 0; end {}; idle" },
  "304 with a length": {
    bytes: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    seen: "head 304 Not Modified {Content-Length|5} 0; end {}; idle",
  },
  "no reason": {
    bytes: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    seen: "head 200  {Content-Length|0} 0; end {}; idle",
  },
  "interim responses": {
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    seen: "inform 103 Early Hints {Link|a}; head 200 OK {Content-Length|0} 0; end {}; idle",
  },
  "flood of interim responses": {
    bytes: `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17)}${OK}\r\n`,
    seen: `${"inform 103 Early Hints {}; ".repeat(16)}${PROTOCOL}`,
  },
  "101 that nobody asked for": {
    bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    seen: PROTOCOL,
  },
  "cut short": {
    bytes: `${OK}Content-Length: 5\r\n\r\nhel`,
    hangUp: true,
    seen: "head 200 OK {Content-Length|5} 5; data hel; error upstream-closed never; closed",
  },
  "chunks cut short": {
    bytes: `${CHUNKED}5\r\nhello\r\n`,
    hangUp: true,
    seen: "head 200 OK {} -1; data hello; error upstream-closed never; closed",
  },
  "nothing at all": { bytes: "", hangUp: true, seen: "error upstream-closed unanswered; closed" },
  "half a head": { bytes: "HTTP/1.1 2", hangUp: true, seen: "error upstream-closed never; closed" },
  "both lengths": {
    bytes: `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    seen: PROTOCOL,
  },
  "two lengths": { bytes: `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, seen: PROTOCOL },
  "negative length": { bytes: `${OK}Content-Length: -5\r\n\r\nhello`, seen: PROTOCOL },
  "another transfer coding": { bytes: `${OK}Transfer-Encoding: gzip\r\n\r\n`, seen: PROTOCOL },
  "chunked from HTTP/1.0": {
    bytes: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    seen: PROTOCOL,
  },
  "malformed chunk": {
    bytes: `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`,
    seen: `head 200 OK {} -1; data abc; ${PROTOCOL}`,
  },
  "another version": { bytes: "HTTP/2.0 200 OK\r\n\r\n", seen: PROTOCOL },
  "no HTTP": { bytes: "220 mail.example ESMTP\r\n\r\n", seen: PROTOCOL },
  "status of two digits": { bytes: "HTTP/1.1 20 OK\r\n\r\n", seen: PROTOCOL },
  "status out of range": { bytes: "HTTP/1.1 999 OK\r\n\r\n", seen: PROTOCOL },
  "control character in the reason": { bytes: "HTTP/1.1 200 O\0K\r\n\r\n", seen: PROTOCOL },
  "empty line before the status line": { bytes: `\r\n${OK}Content-Length: 0\r\n\r\n`, seen: PROTOCOL },
  "obs-fold": { bytes: `${OK}X: a\r\n b\r\n\r\n`, seen: PROTOCOL },
  "bare LF": { bytes: "HTTP/1.1 200 OK\nX: a\n\n", seen: PROTOCOL },
  "space before the colon": { bytes: `${OK}X : a\r\n\r\n`, seen: PROTOCOL },
  "long head": { bytes: `${OK}X: ${"a".repeat(400)}\r\n\r\n`, seen: PROTOCOL },
  "many fields": { bytes: `${OK}${"X: a\r\n".repeat(6)}\r\n`, seen: PROTOCOL },
};

describe("responses", () => {
  test.each(Object.entries(CASES))("%s", async (_name, { bytes, seen, method = "GET", hangUp = false }) => {
    expect(await outcome([bytes], method, hangUp)).toBe(seen);
    expect(await outcome([...bytes], method, hangUp)).toBe(seen);
    for (let at = 1; at < bytes.length; at += bytes.length > 200 ? 37 : 1) {
      const pieces = [bytes.slice(0, at), bytes.slice(at)];
      expect(await outcome(pieces, method, hangUp), `cut at ${at}`).toBe(seen);
    }
  });
});
